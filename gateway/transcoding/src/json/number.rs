//! Numbers as ProtoJSON takes them: as JSON numbers or quoted, with fractions and exponents as
//! long as the value is what the field can hold.

use super::tree::Node;

/// No integer of any proto type has more digits.
const MAX_DIGITS: usize = 20;

/// The whole number a node is, if it is one.
pub(super) fn integer(node: &Node<'_>) -> Option<i128> {
    match node {
        Node::Unsigned(value) => Some(i128::from(*value)),
        Node::Signed(value) => Some(i128::from(*value)),
        Node::Float(value) => whole(*value),
        Node::Text(text) => integer_text(text),
        _ => None,
    }
}

/// The number a node is; never infinite unless spelled so.
pub(super) fn float(node: &Node<'_>) -> Option<f64> {
    match node {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a double holds what a double can"
        )]
        Node::Unsigned(value) => Some(*value as f64),
        #[expect(
            clippy::cast_precision_loss,
            reason = "a double holds what a double can"
        )]
        Node::Signed(value) => Some(*value as f64),
        Node::Float(value) => Some(*value),
        Node::Text(text) => float_text(text),
        _ => None,
    }
}

/// A decimal number, or one of the three spelled ones.
pub(crate) fn float_text(text: &str) -> Option<f64> {
    match text {
        "NaN" => return Some(f64::NAN),
        "Infinity" => return Some(f64::INFINITY),
        "-Infinity" => return Some(f64::NEG_INFINITY),
        _ => {}
    }
    split(text)?;
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// Narrows to a float; what only a double can hold is refused.
pub(crate) fn narrow(value: f64) -> Option<f32> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "an overflow shows as infinity"
    )]
    let narrowed = value as f32;
    (narrowed.is_finite() || !value.is_finite()).then_some(narrowed)
}

fn whole(value: f64) -> Option<i128> {
    // Twice the range of u64; beyond it no proto integer lies.
    let in_range = value.abs() < 4e19;
    #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
    let number = value as i128;
    (in_range && value.fract() == 0.0).then_some(number)
}

/// An exact reading of e.g. `-1.50e1`: no way over a float, so that 64 bits stay exact.
fn integer_text(text: &str) -> Option<i128> {
    let parts = split(text)?;
    let mut digits = format!("{}{}", parts.whole, parts.fraction);
    let mut exponent = parts
        .exponent
        .saturating_sub(i64::try_from(parts.fraction.len()).ok()?);
    let significant = digits.trim_end_matches('0').len();
    let zeros = digits.len() - significant;
    digits.truncate(significant);
    exponent = exponent.saturating_add(i64::try_from(zeros).ok()?);
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    let exponent = usize::try_from(exponent).ok()?;
    if digits.len().checked_add(exponent)? > MAX_DIGITS {
        return None;
    }
    let scale = 10_i128.checked_pow(u32::try_from(exponent).ok()?)?;
    let value = digits.parse::<i128>().ok()?.checked_mul(scale)?;
    Some(if parts.negative { -value } else { value })
}

struct Parts<'t> {
    negative: bool,
    whole: &'t str,
    fraction: &'t str,
    exponent: i64,
}

/// Takes a number of the JSON grammar apart.
fn split(text: &str) -> Option<Parts<'_>> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
            if !is_digits(digits) {
                return None;
            }
            // An exponent beyond 64 bits is as good as the largest.
            (mantissa, exponent.parse().unwrap_or(i64::MAX))
        }
        None => (rest, 0),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) if is_digits(fraction) => (whole, fraction),
        Some(_) => return None,
        None => (mantissa, ""),
    };
    let is_sound = is_digits(whole) && (whole == "0" || !whole.starts_with('0'));
    is_sound.then_some(Parts {
        negative,
        whole,
        fraction,
        exponent,
    })
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_integers_are_read_exactly() {
        for (text, value) in [
            ("0", 0),
            ("-0", 0),
            ("1e5", 100_000),
            ("1.0", 1),
            ("-1.50e1", -15),
            ("100e-2", 1),
            ("9223372036854775807.0", i128::from(i64::MAX)),
            ("1.8446744073709551615e19", i128::from(u64::MAX)),
            ("0e999999999999999999999", 0),
        ] {
            assert_eq!(integer_text(text), Some(value), "{text}");
        }
    }

    #[test]
    fn what_is_no_whole_number_is_refused() {
        for text in [
            "",
            " 1",
            "1 ",
            "+1",
            "01",
            "-01",
            "1.5",
            "1e-1",
            "1e",
            "1.",
            ".5",
            "0x10",
            "1e536870000",
            "abc",
            "12,34",
            "--1",
            "1e+-2",
            "1e999999999999999999999",
        ] {
            assert_eq!(integer_text(text), None, "{text}");
        }
    }

    #[test]
    fn floats_have_three_names_and_no_overflow() {
        assert!(float_text("NaN").is_some_and(f64::is_nan));
        assert_eq!(float_text("-Infinity"), Some(f64::NEG_INFINITY));
        assert_eq!(float_text("1e5"), Some(1e5));
        for text in ["inf", "nan", "infinity", "1e400", "+1", ".5", "1.", ""] {
            assert_eq!(float_text(text), None, "{text}");
        }
        assert_eq!(narrow(1e300), None);
        assert_eq!(narrow(f64::INFINITY), Some(f32::INFINITY));
        assert_eq!(narrow(1.5), Some(1.5));
    }
}
