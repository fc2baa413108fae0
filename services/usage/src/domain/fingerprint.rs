//! What tells a repeated call from another one with the same id: a digest of what was asked, in an
//! encoding of its own that stays the same whatever becomes of our types.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{Context, SHA256};

use super::charge::Charge;
use super::price::Work;
use super::rules::Amounts;
use super::scope::{Keeper, Purpose};

// Digests of the encoding before this one had no mark. They are equal to none of these: a call that
// is repeated over that upgrade is refused rather than taken for another one's repetition.
const MARK: &str = "2.";

/// A digest in the making. Texts carry their length and lists their count, so that no two requests
/// are the same bytes.
pub struct Fingerprint(Context);

impl Fingerprint {
    /// Of a request to do this.
    pub fn of(action: &str) -> Self {
        Self(Context::new(&SHA256)).text(action)
    }

    /// Whether a digest is in this encoding, and so can be compared.
    pub fn is_one(digest: &str) -> bool {
        digest.starts_with(MARK)
    }

    pub fn text(mut self, text: &str) -> Self {
        self = self.count(text.len());
        self.0.update(text.as_bytes());
        self
    }

    pub fn number(mut self, number: i64) -> Self {
        self.0.update(&number.to_be_bytes());
        self
    }

    pub fn amounts(self, amounts: &Amounts) -> Self {
        let start = self.count(amounts.len());
        (amounts.iter()).fold(start, |print, (meter, amount)| {
            print.text(meter.as_str()).number(*amount)
        })
    }

    pub fn purpose(self, purpose: &Purpose) -> Self {
        let keeper = match purpose.keeper {
            None => "",
            Some(Keeper::Generation) => "generation",
        };
        self.text(&purpose.kind)
            .text(&purpose.provider)
            .text(&purpose.model)
            .text(&purpose.project)
            .text(&purpose.api_key)
            .text(&purpose.task)
            .number(purpose.attempt)
            .text(keeper)
    }

    pub fn work(self, work: Option<&Work>) -> Self {
        let Some(work) = work else {
            return self.text("no work");
        };
        let start = self.text("work").count(work.quantities.len());
        let print = work.quantities.iter().fold(start, |print, one| {
            let print = print.text(one.unit.as_str()).number(one.count);
            print.text(&one.size).text(&one.quality)
        });
        let print = match &work.list {
            None => print.text("no list price"),
            Some((price, date)) => print.text("list price").number(price.0).text(date),
        };
        match work.permille {
            None => print,
            Some(permille) => print.text("permille").number(permille),
        }
    }

    pub fn charge(self, charge: &Charge) -> Self {
        self.number(charge.attempt)
            .text(&charge.provider)
            .text(&charge.model)
            .amounts(&charge.used)
    }

    pub fn finish(self) -> String {
        format!("{MARK}{}", URL_SAFE_NO_PAD.encode(self.0.finish()))
    }

    fn count(self, count: usize) -> Self {
        self.number(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use types::Microusd;

    use super::*;
    use crate::domain::meter::Meter;
    use crate::domain::price::{Quantity, Unit};

    fn print(kind: &str, provider: &str, list: Option<i64>) -> String {
        let purpose = Purpose {
            kind: kind.to_owned(),
            provider: provider.to_owned(),
            keeper: Some(Keeper::Generation),
            ..Purpose::default()
        };
        let quantity = Quantity {
            unit: Unit::Image,
            count: 1,
            size: "1024x1024".to_owned(),
            quality: String::new(),
        };
        let work = Work {
            quantities: vec![quantity],
            list: list.map(|price| (Microusd(price), "2026-11-01".to_owned())),
            permille: None,
        };
        Fingerprint::of("reserve")
            .amounts(&Amounts::from([(Meter::Generations, 1)]))
            .purpose(&purpose)
            .work(Some(&work))
            .finish()
    }

    // Rows of a running database hold this text: it must never change.
    #[test]
    fn stays_as_it_is() {
        let expected = "2.eZZAQG8-rVN14DTBrmghyzkW08iFjlYBDl__LKscjKk";
        assert_eq!(print("IMAGE", "gemini", Some(5)), expected);
    }

    #[test]
    fn texts_do_not_run_into_each_other() {
        let all = [
            print("IMAGE", "gemini", Some(5)),
            print("IMAGEg", "emini", Some(5)),
            print("", "IMAGEgemini", Some(5)),
            print("IMAGE", "gemini", Some(6)),
            print("IMAGE", "gemini", None),
        ];
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert!(all.iter().all(|one| Fingerprint::is_one(one)));
    }
}
