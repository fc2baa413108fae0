//! Builds the routes of a descriptor pool and finds the one for a request.

use std::collections::HashSet;
use std::sync::Arc;

use http::Method;
use prost_reflect::{DescriptorPool, FieldDescriptor, MethodDescriptor};

use super::rule::{Rule, rules_of};
use super::trie::{Search, Trie};
use super::{Body, Route, RouteMatch, resolve};
use crate::decode::{escapes_are_whole, is_reserved, percent_decode};
use crate::{BuildError, BuildErrors, Options, RouteError, Template, Unescape, Violation};

/// All routes of a pool. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Router {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    routes: Vec<Arc<Route>>,
    trie: Trie,
    verbs: HashSet<String>,
    options: Arc<Options>,
}

impl Router {
    /// Makes a route of every `google.api.http` binding whose rpc `filter` accepts.
    ///
    /// # Errors
    /// Every rule whose template, fields or method are wrong, and every rule that takes the same
    /// requests as one before it.
    pub fn new(
        pool: &DescriptorPool,
        options: Options,
        filter: impl Fn(&MethodDescriptor) -> bool,
    ) -> Result<Self, BuildErrors> {
        let mut builder = Builder {
            options: Arc::new(options),
            routes: Vec::new(),
            trie: Trie::new(),
            errors: Vec::new(),
        };
        if let Some(extension) = pool.get_extension_by_name("google.api.http") {
            for service in pool.services() {
                for method in service.methods().filter(|method| filter(method)) {
                    for (binding, rule) in rules_of(&method, &extension).into_iter().enumerate() {
                        builder.add(&method, binding, rule);
                    }
                }
            }
        }
        builder.finish()
    }

    /// The route for a method and an undecoded path, e.g. `uri.path()` as it came.
    ///
    /// # Errors
    /// [`RouteError`] when no route takes the request.
    pub fn find(&self, method: &Method, raw_path: &str) -> Result<RouteMatch, RouteError> {
        let options = &self.inner.options;
        if raw_path.len() > options.max_path_bytes {
            return Err(bad_path(
                "",
                format!("is longer than {} bytes", options.max_path_bytes),
            ));
        }
        let Some(path) = raw_path.strip_prefix('/') else {
            return Err(bad_path("", "does not begin with /".to_owned()));
        };
        if !escapes_are_whole(path) {
            let reason = "has a % that is not followed by two hexadecimal digits";
            return Err(bad_path("", reason.to_owned()));
        }
        let (route, path) = self.inner.route_for(method, path)?;
        let variables = capture(&route, path, options.unescape)?;
        Ok(RouteMatch { route, variables })
    }

    /// Every route, in the order of the pool.
    #[must_use]
    pub fn routes(&self) -> &[Arc<Route>] {
        &self.inner.routes
    }

    /// The options it was built with.
    #[must_use]
    pub fn options(&self) -> &Options {
        &self.inner.options
    }
}

impl Inner {
    /// The route, and the path its variables capture from (without the verb).
    fn route_for<'p>(
        &self,
        method: &Method,
        path: &'p str,
    ) -> Result<(Arc<Route>, &'p str), RouteError> {
        let mut search = Search {
            method,
            verb: None,
            allow: Vec::new(),
        };
        // A verb that is registered where the path leads owns the path, whatever the method.
        if let Some((start, verb)) = split_verb(path).filter(|(_, verb)| self.verbs.contains(*verb))
        {
            search.verb = Some(verb);
            if let Some(route) = self.trie.find(as_segments(start), &mut search) {
                return Ok((Arc::clone(route), start));
            }
        }
        if search.allow.is_empty() {
            search.verb = None;
            if let Some(route) = self.trie.find(as_segments(path), &mut search) {
                return Ok((Arc::clone(route), path));
            }
        }
        if search.allow.is_empty() {
            return Err(RouteError::NotFound);
        }
        search
            .allow
            .sort_by(|left, right| left.as_str().cmp(right.as_str()));
        Err(RouteError::MethodNotAllowed {
            allow: search.allow,
        })
    }
}

/// `/` alone has no segments at all.
fn as_segments(path: &str) -> Option<&str> {
    if path.is_empty() { None } else { Some(path) }
}

/// Splits the last segment at its last colon.
fn split_verb(path: &str) -> Option<(&str, &str)> {
    let colon = path.rfind(':')?;
    let verb = &path[colon + 1..];
    if verb.is_empty() || verb.contains('/') {
        None
    } else {
        Some((&path[..colon], verb))
    }
}

fn capture(
    route: &Route,
    path: &str,
    unescape: Unescape,
) -> Result<Vec<(Vec<FieldDescriptor>, String)>, RouteError> {
    let mut captured = Vec::with_capacity(route.variables.len());
    for (variable, fields) in route.template.variables().iter().zip(&route.variables) {
        let whole = variable.is_single() || unescape == Unescape::All;
        let keep = |byte: u8| match unescape {
            _ if whole => false,
            Unescape::Slash => byte == b'/',
            Unescape::Reserved => is_reserved(byte),
            Unescape::All => false,
        };
        let text = percent_decode(variable.capture(path), keep)
            .map_err(|fault| bad_path(&json_path(fields), fault.describe().to_owned()))?;
        captured.push((fields.clone(), text.into_owned()));
    }
    Ok(captured)
}

/// The JSON path of a chain of fields.
pub(crate) fn json_path(fields: &[FieldDescriptor]) -> String {
    let mut path = String::new();
    for field in fields {
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(field.json_name());
    }
    path
}

fn bad_path(field: &str, reason: String) -> RouteError {
    let description = if field.is_empty() {
        format!("the path {reason}")
    } else {
        reason
    };
    RouteError::BadPath(Violation {
        field: field.to_owned(),
        description,
    })
}

struct Builder {
    options: Arc<Options>,
    routes: Vec<Arc<Route>>,
    trie: Trie,
    errors: Vec<BuildError>,
}

impl Builder {
    fn add(&mut self, method: &MethodDescriptor, binding: usize, rule: Result<Rule, String>) {
        let template = rule
            .as_ref()
            .map(|rule| rule.path.clone())
            .unwrap_or_default();
        let added = rule
            .and_then(|rule| self.route_of(method, binding, &rule))
            .and_then(|route| self.insert(route));
        if let Err(reason) = added {
            let file = method.parent_file().name().to_owned();
            let method = method.full_name().to_owned();
            self.errors.push(BuildError {
                file,
                method,
                template,
                reason,
            });
        }
    }

    fn route_of(
        &self,
        method: &MethodDescriptor,
        binding: usize,
        rule: &Rule,
    ) -> Result<Route, String> {
        let http_method = Method::from_bytes(rule.http_method.as_bytes())
            .map_err(|_| format!("{:?} is not an HTTP method", rule.http_method))?;
        let template = Template::parse(&rule.path).map_err(|error| error.to_string())?;
        let input = method.input();
        let variables = template
            .variables()
            .iter()
            .map(|variable| resolve::variable_path(&input, &variable.path))
            .collect::<Result<Vec<_>, _>>()?;
        let body = resolve::body(&input, &rule.body)?;
        if http_method == Method::GET && body != Body::None {
            return Err("a GET has no body".to_owned());
        }
        Ok(Route {
            response_body: resolve::response_body(&method.output(), &rule.response_body)?,
            method: method.clone(),
            http_method,
            template,
            body,
            binding,
            variables,
            options: Arc::clone(&self.options),
        })
    }

    fn insert(&mut self, route: Route) -> Result<(), String> {
        let route = Arc::new(route);
        self.trie.insert(&route).map_err(|same| {
            format!(
                "takes the same requests as {} \"{}\"",
                same.method.full_name(),
                same.template
            )
        })?;
        self.routes.push(route);
        Ok(())
    }

    fn finish(self) -> Result<Router, BuildErrors> {
        if !self.errors.is_empty() {
            return Err(BuildErrors(self.errors));
        }
        let verbs = self.routes.iter().filter_map(|route| route.template.verb());
        let inner = Inner {
            verbs: verbs.map(str::to_owned).collect(),
            routes: self.routes,
            trie: self.trie,
            options: self.options,
        };
        Ok(Router {
            inner: Arc::new(inner),
        })
    }
}
