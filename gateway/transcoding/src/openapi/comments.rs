//! The comments of the proto files, by the place they stand at.

use std::collections::HashMap;
use std::sync::Arc;

use prost_reflect::{
    EnumDescriptor, FieldDescriptor, FileDescriptor, MessageDescriptor, MethodDescriptor,
    ServiceDescriptor,
};

use serde_json::Value;

use crate::Route;

/// What begins the paragraph of a comment that is an example, as JSON.
const EXAMPLE: &str = "Example: ";

/// Comments of every file of a pool; empty when the pool has no source information.
pub(super) struct Comments {
    by_place: HashMap<(String, Vec<i32>), String>,
}

impl Comments {
    pub(super) fn of_routes(routes: &[Arc<Route>]) -> Self {
        let mut comments = Self {
            by_place: HashMap::new(),
        };
        if let Some(route) = routes.first() {
            for file in route.method.parent_pool().files() {
                comments.add_file(&file);
            }
        }
        comments
    }

    fn add_file(&mut self, file: &FileDescriptor) {
        let Some(info) = &file.file_descriptor_proto().source_code_info else {
            return;
        };
        for location in &info.location {
            let text = [
                location.leading_comments.as_deref(),
                location.trailing_comments.as_deref(),
            ]
            .into_iter()
            .flatten()
            .map(tidy)
            .find(|text| !text.is_empty());
            if let Some(text) = text {
                self.by_place
                    .insert((file.name().to_owned(), location.path.clone()), text);
            }
        }
    }

    pub(super) fn of_method(&self, method: &MethodDescriptor) -> Option<&str> {
        self.at(&method.parent_file(), method.path())
    }

    pub(super) fn of_service(&self, service: &ServiceDescriptor) -> Option<&str> {
        self.at(&service.parent_file(), service.path())
    }

    /// The comment without its example.
    pub(super) fn of_message(&self, message: &MessageDescriptor) -> Option<String> {
        let comment = self.at(&message.parent_file(), message.path())?;
        let told = comment
            .split("\n\n")
            .filter(|paragraph| example_in(paragraph).is_none());
        Some(told.collect::<Vec<_>>().join("\n\n")).filter(|text| !text.is_empty())
    }

    /// The example in the comment.
    pub(super) fn example_of(&self, message: &MessageDescriptor) -> Option<Value> {
        let comment = self.at(&message.parent_file(), message.path())?;
        comment.split("\n\n").find_map(example_in)
    }

    pub(super) fn of_field(&self, field: &FieldDescriptor) -> Option<&str> {
        self.at(&field.parent_file(), field.path())
    }

    /// The comment of an enum, and of each value that has one as a list.
    pub(super) fn of_enum(&self, descriptor: &EnumDescriptor) -> Option<String> {
        let file = descriptor.parent_file();
        let mut parts: Vec<String> = self
            .at(&file, descriptor.path())
            .map(str::to_owned)
            .into_iter()
            .collect();
        let values: Vec<String> = descriptor
            .values()
            .filter_map(|value| {
                let comment = self.at(&file, value.path())?;
                Some(format!("- `{}`: {comment}", value.name()))
            })
            .collect();
        if !values.is_empty() {
            parts.push(values.join("\n"));
        }
        if parts.is_empty() {
            None
        } else {
            Some(parts.join("\n\n"))
        }
    }

    fn at(&self, file: &FileDescriptor, path: &[i32]) -> Option<&str> {
        self.by_place
            .get(&(file.name().to_owned(), path.to_vec()))
            .map(String::as_str)
    }
}

/// The first sentence, without its full stop.
pub(super) fn summary_of(comment: &str) -> &str {
    let line = comment.split("\n\n").next().unwrap_or_default();
    let sentence = line.split_once(". ").map_or(line, |(first, _)| first);
    sentence.trim_end_matches('.')
}

fn example_in(paragraph: &str) -> Option<Value> {
    let text = paragraph.strip_prefix(EXAMPLE)?;
    serde_json::from_str(text).ok()
}

/// Joins the lines of each paragraph and drops the space after `//`.
fn tidy(comment: &str) -> String {
    let mut paragraphs: Vec<String> = vec![String::new()];
    for line in comment.lines().map(str::trim) {
        match paragraphs.last_mut() {
            Some(last) if line.is_empty() && last.is_empty() => {}
            Some(_) if line.is_empty() => paragraphs.push(String::new()),
            Some(last) => {
                if !last.is_empty() {
                    last.push(' ');
                }
                last.push_str(line);
            }
            None => {}
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_paragraphs() {
        assert_eq!(
            tidy(" One line.\n And more.\n\n\n Another.\n"),
            "One line. And more.\n\nAnother."
        );
    }

    #[test]
    fn the_summary_is_the_first_sentence() {
        assert_eq!(summary_of("Takes it. Fails with NOT_FOUND."), "Takes it");
        assert_eq!(summary_of("One thing.\n\nMore."), "One thing");
    }
}
