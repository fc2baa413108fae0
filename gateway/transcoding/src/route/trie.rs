//! The tree of all templates: literal before `*` before `**`, segment by segment, with
//! backtracking. Every node is visited at most once per search, so a search is bounded by the
//! rules, not by the request.

use std::collections::HashMap;
use std::sync::Arc;

use http::Method;

use super::Route;
use crate::Segment;

#[derive(Debug)]
pub(super) struct Trie {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<Box<str>, usize>,
    star: Option<usize>,
    /// Templates that end here.
    ends: Vec<End>,
    /// Templates that end here with a `**` for whatever follows.
    open_ends: Vec<End>,
}

/// The routes of one shape of path with one verb, or without.
#[derive(Debug)]
struct End {
    verb: Option<Box<str>>,
    routes: Vec<Arc<Route>>,
}

/// A search for one request.
pub(super) struct Search<'s> {
    pub(super) method: &'s Method,
    pub(super) verb: Option<&'s str>,
    /// The methods of matching templates that do not take the request's own.
    pub(super) allow: Vec<Method>,
}

impl Trie {
    pub(super) fn new() -> Self {
        Self {
            nodes: vec![Node::default()],
        }
    }

    /// Adds a route, or gives back the one that already takes the same requests.
    pub(super) fn insert(&mut self, route: &Arc<Route>) -> Result<(), Arc<Route>> {
        let mut at = 0;
        let mut open = false;
        for segment in route.template.segments() {
            match segment {
                Segment::Literal(text) => at = self.literal_child(at, text),
                Segment::Star => at = self.star_child(at),
                Segment::DoubleStar => open = true,
            }
        }
        let node = &mut self.nodes[at];
        let ends = if open {
            &mut node.open_ends
        } else {
            &mut node.ends
        };
        let verb = route.template.verb();
        let known = ends.iter().position(|end| end.verb.as_deref() == verb);
        let index = known.unwrap_or(ends.len());
        if known.is_none() {
            ends.push(End {
                verb: verb.map(Into::into),
                routes: Vec::new(),
            });
        }
        let routes = &mut ends[index].routes;
        if let Some(same) = routes
            .iter()
            .find(|other| other.http_method == route.http_method)
        {
            return Err(Arc::clone(same));
        }
        routes.push(Arc::clone(route));
        Ok(())
    }

    /// The most specific route for a path without its leading slash; `None` is the root itself.
    pub(super) fn find(&self, path: Option<&str>, search: &mut Search<'_>) -> Option<&Arc<Route>> {
        self.walk(0, path, search)
    }

    fn walk(&self, at: usize, rest: Option<&str>, search: &mut Search<'_>) -> Option<&Arc<Route>> {
        let node = self.nodes.get(at)?;
        let Some(rest) = rest else {
            return search
                .pick(&node.ends)
                .or_else(|| search.pick(&node.open_ends));
        };
        let (segment, tail) = match rest.split_once('/') {
            Some((segment, tail)) => (segment, Some(tail)),
            None => (rest, None),
        };
        if let Some(child) = node.literals.get(segment)
            && let Some(route) = self.walk(*child, tail, search)
        {
            return Some(route);
        }
        // An empty last segment is a trailing slash: that is another path.
        if let Some(child) = node.star
            && (tail.is_some() || !segment.is_empty())
            && let Some(route) = self.walk(child, tail, search)
        {
            return Some(route);
        }
        search.pick(&node.open_ends)
    }

    fn literal_child(&mut self, at: usize, text: &str) -> usize {
        if let Some(child) = self.nodes[at].literals.get(text) {
            return *child;
        }
        let child = self.add_node();
        self.nodes[at].literals.insert(text.into(), child);
        child
    }

    fn star_child(&mut self, at: usize) -> usize {
        if let Some(child) = self.nodes[at].star {
            return child;
        }
        let child = self.add_node();
        self.nodes[at].star = Some(child);
        child
    }

    fn add_node(&mut self) -> usize {
        self.nodes.push(Node::default());
        self.nodes.len() - 1
    }
}

impl Search<'_> {
    fn pick<'t>(&mut self, ends: &'t [End]) -> Option<&'t Arc<Route>> {
        let end = ends.iter().find(|end| end.verb.as_deref() == self.verb)?;
        let route_of = |method: &str| {
            end.routes
                .iter()
                .find(|route| route.http_method.as_str() == method)
        };
        let found = route_of(self.method.as_str())
            .or_else(|| {
                if *self.method == Method::HEAD {
                    route_of("GET")
                } else {
                    None
                }
            })
            .or_else(|| route_of("*"));
        if found.is_none() {
            for route in &end.routes {
                self.note(&route.http_method);
                if route.http_method == Method::GET {
                    self.note(&Method::HEAD);
                }
            }
        }
        found
    }

    fn note(&mut self, method: &Method) {
        if !self.allow.contains(method) {
            self.allow.push(method.clone());
        }
    }
}
