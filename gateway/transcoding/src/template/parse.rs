//! The grammar of path templates, read strictly.

use super::{Segment, Template, TemplateError, Variable};

/// More segments than any sane rule has; bounds the trie's depth.
const MAX_SEGMENTS: usize = 64;

pub(super) fn parse(text: &str) -> Result<Template, TemplateError> {
    let mut parser = Parser {
        text,
        at: 0,
        segments: Vec::new(),
        variables: Vec::new(),
    };
    parser.expect(b'/', "a template begins with /")?;
    let mut verb = None;
    if text != "/" {
        parser.segments(true)?;
        verb = parser.verb()?;
    }
    parser.check_whole()?;
    Ok(Template {
        text: text.to_owned(),
        segments: parser.segments,
        variables: parser.variables,
        verb,
    })
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    segments: Vec<Segment>,
    variables: Vec<Variable>,
}

impl Parser<'_> {
    /// `Segment { "/" Segment }`, with variables only at the top.
    fn segments(&mut self, top: bool) -> Result<(), TemplateError> {
        loop {
            self.segment(top)?;
            if self.segments.len() > MAX_SEGMENTS {
                return self.fail(format!("more than {MAX_SEGMENTS} segments"));
            }
            if self.peek() != Some(b'/') {
                return Ok(());
            }
            self.at += 1;
        }
    }

    fn segment(&mut self, top: bool) -> Result<(), TemplateError> {
        match self.peek() {
            Some(b'{') if top => self.variable(),
            Some(b'{') => self.fail("a variable inside a variable"),
            Some(b'*') => {
                self.at += 1;
                if self.peek() == Some(b'*') {
                    self.at += 1;
                    self.segments.push(Segment::DoubleStar);
                } else {
                    self.segments.push(Segment::Star);
                }
                Ok(())
            }
            _ => {
                let literal = self.literal("a segment")?;
                self.segments.push(Segment::Literal(literal));
                Ok(())
            }
        }
    }

    /// `"{" FieldPath [ "=" Segments ] "}"`.
    fn variable(&mut self) -> Result<(), TemplateError> {
        let column = self.at;
        self.at += 1;
        let path = self.field_path()?;
        let start = self.segments.len();
        if self.peek() == Some(b'=') {
            self.at += 1;
            self.segments(false)?;
        } else {
            self.segments.push(Segment::Star);
        }
        self.expect(b'}', "} ends the variable")?;
        if self.variables.iter().any(|known| known.path == path) {
            self.at = column;
            return self.fail(format!("the variable {} stands twice", path.join(".")));
        }
        let open = self.segments.last() == Some(&Segment::DoubleStar);
        self.variables.push(Variable {
            path,
            start,
            end: self.segments.len(),
            open,
        });
        Ok(())
    }

    fn field_path(&mut self) -> Result<Vec<String>, TemplateError> {
        let mut path = Vec::new();
        loop {
            let from = self.at;
            while let Some(byte) = self.peek() {
                let is_first = self.at == from;
                if byte.is_ascii_alphabetic() || byte == b'_' || byte.is_ascii_digit() && !is_first
                {
                    self.at += 1;
                } else {
                    break;
                }
            }
            if self.at == from {
                return self.fail("a field name is expected");
            }
            path.push(self.text[from..self.at].to_owned());
            if self.peek() != Some(b'.') {
                return Ok(path);
            }
            self.at += 1;
        }
    }

    fn verb(&mut self) -> Result<Option<String>, TemplateError> {
        if self.peek() != Some(b':') {
            return Ok(None);
        }
        self.at += 1;
        self.literal("a verb").map(Some)
    }

    /// Unreserved characters, escapes and those sub-delimiters that mean nothing in a template.
    fn literal(&mut self, what: &str) -> Result<String, TemplateError> {
        let mut literal = String::new();
        while let Some(byte) = self.peek() {
            if byte == b'%' {
                let Some(escape) = self.text.get(self.at..self.at + 3) else {
                    return self.fail("an escape is % and two hexadecimal digits");
                };
                if !escape[1..].bytes().all(|digit| digit.is_ascii_hexdigit()) {
                    return self.fail("an escape is % and two hexadecimal digits");
                }
                literal.push_str(&escape.to_ascii_uppercase());
                self.at += 3;
            } else if byte.is_ascii_alphanumeric() || b"-._~!$&'()+,;@".contains(&byte) {
                literal.push(char::from(byte));
                self.at += 1;
            } else {
                break;
            }
        }
        if literal.is_empty() {
            return self.fail(format!("{what} must not be empty"));
        }
        Ok(literal)
    }

    fn check_whole(&mut self) -> Result<(), TemplateError> {
        if self.at < self.text.len() {
            return self.fail("this character cannot stand here");
        }
        let early = self
            .segments
            .iter()
            .rev()
            .skip(1)
            .any(|segment| *segment == Segment::DoubleStar);
        if early {
            return self.fail("** must be the last segment");
        }
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn expect(&mut self, byte: u8, reason: &str) -> Result<(), TemplateError> {
        if self.peek() != Some(byte) {
            return self.fail(reason);
        }
        self.at += 1;
        Ok(())
    }

    fn fail<T>(&self, reason: impl Into<String>) -> Result<T, TemplateError> {
        Err(TemplateError {
            column: self.at + 1,
            reason: reason.into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> TemplateError {
        parse(text).expect_err(text)
    }

    #[test]
    fn the_parts_are_told_apart() {
        let template = parse("/v1/{book.name=shelves/*}/x%2fy:read").unwrap();
        let shown: Vec<String> = template.segments.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["v1", "shelves", "*", "x%2Fy"]);
        assert_eq!(template.verb.as_deref(), Some("read"));
        assert_eq!(template.variables[0].path, ["book", "name"]);
        assert_eq!(
            (template.variables[0].start, template.variables[0].end),
            (1, 3)
        );
        assert!(parse("/").unwrap().segments.is_empty());
    }

    #[test]
    fn what_leaves_the_grammar_is_refused_with_its_column() {
        assert_eq!(refused("v1").column, 1);
        assert_eq!(refused("/v1/").column, 5);
        assert_eq!(
            refused("/v1/{a=**}/b").reason,
            "** must be the last segment"
        );
        assert_eq!(refused("/{a}/{a}").reason, "the variable a stands twice");
        assert_eq!(refused("/{a={b}}").reason, "a variable inside a variable");
        for text in [
            "/***", "/v1:", "/a:b:c", "/{1a}", "/{a-b}", "/a?b", "/a b", "/é", "/%4",
        ] {
            refused(text);
        }
    }

    #[test]
    fn the_number_of_segments_is_bounded() {
        assert!(parse(&"/a".repeat(MAX_SEGMENTS)).is_ok());
        refused(&"/a".repeat(MAX_SEGMENTS + 1));
    }
}
