//! Path templates as OpenAPI writes them: one named parameter per segment that varies.

use std::collections::HashMap;

use prost_reflect::FieldDescriptor;

use crate::route::json_path;
use crate::{Route, Segment};

/// A path of the document.
pub(super) struct DocumentPath {
    /// The key under `paths`.
    pub(super) text: String,
    pub(super) parameters: Vec<PathParameter>,
}

pub(super) struct PathParameter {
    pub(super) name: String,
    /// The field it sets alone; `None` when it is a part of a longer value, or sets none.
    pub(super) field: Option<FieldDescriptor>,
    /// Whether it stands for the rest of the path, slashes and all.
    pub(super) is_rest: bool,
}

/// Keeps the names of parameters the same wherever the same path stands: OpenAPI takes two
/// spellings of one path for a mistake.
#[derive(Default)]
pub(super) struct PathNames {
    by_shape: HashMap<String, Vec<String>>,
}

impl PathNames {
    pub(super) fn path_of(&mut self, route: &Route) -> DocumentPath {
        let mut parameters = parameters_of(route);
        let shape = written(route, || "{}".to_owned());
        let names = self
            .by_shape
            .entry(shape)
            .or_insert_with(|| parameters.iter().map(|one| one.name.clone()).collect());
        for (parameter, name) in parameters.iter_mut().zip(names) {
            parameter.name.clone_from(name);
        }
        let mut left = parameters.iter();
        let text = written(route, || {
            left.next()
                .map(|one| format!("{{{}}}", one.name))
                .unwrap_or_default()
        });
        DocumentPath { text, parameters }
    }
}

fn written(route: &Route, mut parameter: impl FnMut() -> String) -> String {
    let mut text = String::new();
    for segment in route.template.segments() {
        text.push('/');
        match segment {
            Segment::Literal(literal) => text.push_str(literal),
            Segment::Star | Segment::DoubleStar => text.push_str(&parameter()),
        }
    }
    if text.is_empty() {
        text.push('/');
    }
    if let Some(verb) = route.template.verb() {
        text.push(':');
        text.push_str(verb);
    }
    text
}

fn parameters_of(route: &Route) -> Vec<PathParameter> {
    let mut parameters: Vec<PathParameter> = Vec::new();
    let segments = route.template.segments();
    for (index, segment) in segments.iter().enumerate() {
        if matches!(segment, Segment::Literal(_)) {
            continue;
        }
        let mut variables = route.template.variables().iter().zip(&route.variables);
        let bound = variables.find(|(one, _)| (one.start..one.end).contains(&index));
        let before = index.checked_sub(1).and_then(|before| segments.get(before));
        let (name, field) = match bound {
            Some((variable, fields)) if variable.end - variable.start == 1 => {
                (json_path(fields), fields.last().cloned())
            }
            Some((_, fields)) => (part_name(before, &json_path(fields)), None),
            None => (part_name(before, "segment"), None),
        };
        let name = distinct(&parameters, name);
        let is_rest = *segment == Segment::DoubleStar;
        parameters.push(PathParameter {
            name,
            field,
            is_rest,
        });
    }
    parameters
}

/// `shelves/*` is a shelf; a part with no literal before it is named after the whole.
fn part_name(before: Option<&Segment>, whole: &str) -> String {
    let Some(Segment::Literal(literal)) = before else {
        return whole.to_owned();
    };
    if !literal
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    {
        return whole.to_owned();
    }
    if let Some(stem) = literal.strip_suffix("ies") {
        return format!("{stem}y");
    }
    if let Some(stem) = literal.strip_suffix("lves") {
        return format!("{stem}lf");
    }
    literal
        .strip_suffix('s')
        .filter(|stem| !stem.is_empty())
        .unwrap_or(literal)
        .to_owned()
}

fn distinct(taken: &[PathParameter], name: String) -> String {
    let is_taken = |name: &str| taken.iter().any(|one| one.name == name);
    if !is_taken(&name) {
        return name;
    }
    let numbered = (2..)
        .map(|number| format!("{name}{number}"))
        .find(|name| !is_taken(name));
    numbered.unwrap_or(name)
}
