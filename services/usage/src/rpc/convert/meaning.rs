//! Single words: meters, windows, units, scopes.

use contracts::generation::v1::generation::Kind as WireKind;
use contracts::policy::v1::policy::Meter as WireMeter;
use contracts::usage::v1::limit::Window as WireWindow;
use contracts::usage::v1::quantity::Unit as WireUnit;
use contracts::usage::v1::{Scope as WireScope, scope::Type};
use errors::Violations;

use crate::domain::meter::Meter;
use crate::domain::price::Unit;
use crate::domain::scope::Scope;
use crate::domain::window::WindowKind;

/// What a size of pictures is.
pub const SIZE_RULE: &str = "must be width and height in pixels, like 1024x1024";

/// Checks a kind of work.
pub fn check_kind(name: &str, field: &str, violations: &mut Violations) {
    let is_known = WireKind::from_str_name(name).is_some_and(|kind| kind as i32 != 0);
    let kinds = (1..).map_while(|number| WireKind::try_from(number).ok());
    let names: Vec<&str> = kinds.map(|kind| kind.as_str_name()).collect();
    violations.check(
        is_known,
        field,
        format!("must be a kind: {}", names.join(", ")),
    );
}

/// Reads a meter.
pub fn meter(wire: i32) -> Option<Meter> {
    Some(match WireMeter::try_from(wire).ok()? {
        WireMeter::Unspecified => return None,
        WireMeter::Generations => Meter::Generations,
        WireMeter::Microusd => Meter::Microusd,
        WireMeter::Tokens => Meter::Tokens,
        WireMeter::StorageBytes => Meter::StorageBytes,
        WireMeter::Requests => Meter::Requests,
    })
}

/// Says a meter.
pub const fn wire_meter(meter: Meter) -> WireMeter {
    match meter {
        Meter::Generations => WireMeter::Generations,
        Meter::Microusd => WireMeter::Microusd,
        Meter::Tokens => WireMeter::Tokens,
        Meter::StorageBytes => WireMeter::StorageBytes,
        Meter::Requests => WireMeter::Requests,
    }
}

/// Says a window.
pub const fn wire_window(kind: WindowKind) -> WireWindow {
    match kind {
        WindowKind::Day => WireWindow::Day,
        WindowKind::Month => WireWindow::Month,
        WindowKind::Lifetime => WireWindow::Lifetime,
    }
}

/// Reads what is priced.
pub fn unit(wire: i32) -> Option<Unit> {
    Some(match WireUnit::try_from(wire).ok()? {
        WireUnit::Unspecified => return None,
        WireUnit::Image => Unit::Image,
        WireUnit::InputTokens => Unit::InputTokens,
        WireUnit::OutputTokens => Unit::OutputTokens,
        WireUnit::ImageInputTokens => Unit::ImageInputTokens,
        WireUnit::ImageOutputTokens => Unit::ImageOutputTokens,
        WireUnit::CachedInputTokens => Unit::CachedInputTokens,
        WireUnit::Seconds => Unit::Seconds,
    })
}

/// Says what is priced.
pub const fn wire_unit(unit: Unit) -> WireUnit {
    match unit {
        Unit::Image => WireUnit::Image,
        Unit::InputTokens => WireUnit::InputTokens,
        Unit::OutputTokens => WireUnit::OutputTokens,
        Unit::ImageInputTokens => WireUnit::ImageInputTokens,
        Unit::ImageOutputTokens => WireUnit::ImageOutputTokens,
        Unit::CachedInputTokens => WireUnit::CachedInputTokens,
        Unit::Seconds => WireUnit::Seconds,
    }
}

/// Says whom a limit counts.
pub fn wire_scope(scope: &Scope) -> WireScope {
    let (kind, value) = match scope {
        Scope::Global => (Type::Global, String::new()),
        Scope::User(id) => (Type::User, id.to_string()),
        Scope::ApiKey(id) => (Type::ApiKey, id.clone()),
        Scope::Project(id) => (Type::Project, id.clone()),
        Scope::Plan(name) => (Type::Plan, name.clone()),
        Scope::Provider(name) => (Type::Provider, name.clone()),
        Scope::Kind(name) => (Type::Kind, name.clone()),
    };
    WireScope {
        r#type: kind.into(),
        value,
    }
}
