//! Holds an order against what a model takes, and names everything that does not fit.

use errors::FieldViolation;

use crate::domain::provider::{Fit, ImageSpec};

/// What was found so far.
#[derive(Debug, Default)]
pub struct Limits {
    violations: Vec<FieldViolation>,
    ignored: Vec<String>,
}

impl Limits {
    /// Notes `field` unless `fine`.
    pub fn check(&mut self, fine: bool, field: &str, description: impl Into<String>) {
        if !fine {
            self.violations.push(FieldViolation {
                field: field.to_owned(),
                description: description.into(),
            });
        }
    }

    /// At most this many characters of prompt and negative prompt.
    pub fn prompts(&mut self, spec: &ImageSpec, model: &str, most: usize) {
        let texts = [
            ("image.prompt", &spec.prompt),
            ("image.negativePrompt", &spec.negative_prompt),
        ];
        for (field, text) in texts {
            let fine = text.chars().count() <= most;
            self.check(
                fine,
                field,
                format!("{model} takes at most {most} characters"),
            );
        }
    }

    /// At most this many input pictures.
    pub fn inputs(&mut self, spec: &ImageSpec, model: &str, most: usize) {
        let text = match most {
            0 => format!("{model} takes no input images"),
            1 => format!("{model} takes at most 1 input image"),
            _ => format!("{model} takes at most {most} input images"),
        };
        self.check(spec.input_count <= most, "image.inputFileIds", text);
    }

    /// Each side within bounds and a multiple of `step`.
    pub fn sides(&mut self, spec: &ImageSpec, model: &str, bounds: (u32, u32), step: u32) {
        let (low, high) = bounds;
        for (field, side) in [("image.width", spec.width), ("image.height", spec.height)] {
            let fine = (low..=high).contains(&side) && side % step == 0;
            let text = format!("{model} takes {low} to {high} pixels in steps of {step}");
            self.check(fine, field, text);
        }
    }

    /// Both sides are wrong together.
    pub fn size(&mut self, fine: bool, description: &str) {
        self.check(fine, "image.width", description);
        self.check(fine, "image.height", description);
    }

    /// Notes parts that have no effect, when `unheard`.
    pub fn ignores(&mut self, unheard: bool, parts: &[&str]) {
        if unheard {
            self.ignored
                .extend(parts.iter().map(|part| (*part).to_owned()));
        }
    }

    /// What came of it.
    pub fn done(self) -> Fit {
        if self.violations.is_empty() {
            Fit::Yes {
                ignored: self.ignored,
            }
        } else {
            Fit::No(self.violations)
        }
    }
}
