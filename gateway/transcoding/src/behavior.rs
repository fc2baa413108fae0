//! `google.api.field_behavior`, where a pool has it.

use prost_reflect::{DescriptorPool, ExtensionDescriptor, FieldDescriptor, Value};

/// What a field's annotation says.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Behavior {
    pub(crate) required: bool,
    pub(crate) output_only: bool,
    pub(crate) input_only: bool,
}

/// Reads the annotation of fields.
pub(crate) struct Behaviors {
    extension: Option<ExtensionDescriptor>,
}

impl Behaviors {
    pub(crate) fn of_pool(pool: Option<&DescriptorPool>) -> Self {
        let extension =
            pool.and_then(|pool| pool.get_extension_by_name("google.api.field_behavior"));
        Self { extension }
    }

    pub(crate) fn of(&self, field: &FieldDescriptor) -> Behavior {
        let mut behavior = Behavior::default();
        let Some(extension) = &self.extension else {
            return behavior;
        };
        let options = field.options();
        let value = options.get_extension(extension);
        for number in value
            .as_list()
            .unwrap_or_default()
            .iter()
            .filter_map(Value::as_enum_number)
        {
            match number {
                2 => behavior.required = true,
                3 => behavior.output_only = true,
                4 => behavior.input_only = true,
                _ => {}
            }
        }
        behavior
    }
}
