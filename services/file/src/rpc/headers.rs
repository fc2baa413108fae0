//! HTTP fields as gRPC metadata: what a download is asked with and answered with.

use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use tonic::metadata::{MetadataMap, MetadataValue};
use types::Timestamp;

use crate::domain::{Conditions, Download, File, FileError, Plan, entity_tag};

// RFC 9110, section 5.6.7.
const IMF_FIXDATE: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
);

/// Reads the conditions. A field that is not ASCII is no field of ours.
pub fn conditions(metadata: &MetadataMap) -> Conditions {
    let field = |name: &str| Some(metadata.get(name)?.to_str().ok()?.to_owned());
    Conditions {
        range: field("range"),
        if_range: field("if-range"),
        if_none_match: field("if-none-match"),
    }
}

/// Says what is sent. `content-length` has a name of its own: on a gRPC response it would be
/// taken for the length of the framed messages, and the call refused.
pub fn answer(download: &Download) -> Result<MetadataMap, FileError> {
    let file = &download.file;
    let mut fields = vec![
        ("x-http-code", code(&download.plan).to_owned()),
        ("etag", entity_tag(file)),
        ("last-modified", http_date(file.created_at)?),
        (
            "cache-control",
            "private, max-age=31536000, immutable".to_owned(),
        ),
        ("accept-ranges", "bytes".to_owned()),
    ];
    if let Some(bytes) = download.plan.bytes(file.size) {
        fields.push(("content-disposition", disposition(file)));
        fields.push((
            "x-http-content-length",
            (bytes.end - bytes.start).to_string(),
        ));
        if let Plan::Part(range) = &download.plan {
            let (first, last) = (range.start, range.end - 1);
            let text = format!("bytes {first}-{last}/{}", file.size);
            fields.push(("content-range", text));
        }
    }
    let mut metadata = MetadataMap::new();
    for (name, text) in fields {
        let value = MetadataValue::try_from(text).map_err(FileError::internal)?;
        metadata.insert(name, value);
    }
    Ok(metadata)
}

const fn code(plan: &Plan) -> &'static str {
    match plan {
        Plan::NotModified => "304",
        Plan::Whole => "200",
        Plan::Part(_) => "206",
    }
}

fn http_date(moment: Timestamp) -> Result<String, FileError> {
    moment
        .utc()
        .format(IMF_FIXDATE)
        .map_err(FileError::internal)
}

// RFC 6266: a plain name for old clients, and the true one as RFC 8187 encodes it.
fn disposition(file: &File) -> String {
    let name = file.name.as_str();
    let plain: String = name
        .chars()
        .map(|c| match c {
            '"' | '\\' | '%' => '_',
            ' '..='~' => c,
            _ => '_',
        })
        .collect();
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("inline; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}

#[cfg(test)]
mod tests {
    use types::{FileId, UserId};
    use uuid::Uuid;

    use super::*;
    use crate::domain::FileName;

    fn named(name: &str) -> File {
        File {
            id: FileId(Uuid::nil()),
            owner: UserId(Uuid::nil()),
            session: None,
            name: FileName::clean(name),
            content_type: "image/png".to_owned(),
            size: 100,
            sha256: "abc".to_owned(),
            width: 1,
            height: 1,
            created_at: Timestamp(1_445_412_480_000_000),
        }
    }

    fn fields(plan: Plan) -> MetadataMap {
        let download = Download {
            file: named("a.png"),
            plan,
            pieces: Box::pin(futures::stream::empty()),
        };
        answer(&download).unwrap()
    }

    #[test]
    fn names_survive_every_client() {
        for (name, expected) in [
            (
                "a b.png",
                "inline; filename=\"a b.png\"; filename*=UTF-8''a%20b.png",
            ),
            (
                "\"; x=\"y.png",
                "inline; filename=\"_; x=_y.png\"; filename*=UTF-8''%22%3B%20x%3D%22y.png",
            ),
            (
                "füchse.png",
                "inline; filename=\"f_chse.png\"; filename*=UTF-8''f%C3%BCchse.png",
            ),
        ] {
            assert_eq!(disposition(&named(name)), expected);
        }
    }

    #[test]
    fn the_whole() {
        let whole = fields(Plan::Whole);
        assert_eq!(whole.get("x-http-code").unwrap(), "200");
        assert_eq!(whole.get("etag").unwrap(), "\"abc\"");
        assert_eq!(whole.get("x-http-content-length").unwrap(), "100");
        assert_eq!(
            whole.get("last-modified").unwrap(),
            "Wed, 21 Oct 2015 07:28:00 GMT"
        );
        assert!(whole.get("content-range").is_none());
    }

    #[test]
    fn a_part_and_nothing() {
        let part = fields(Plan::Part(10..20));
        assert_eq!(part.get("x-http-code").unwrap(), "206");
        assert_eq!(part.get("content-range").unwrap(), "bytes 10-19/100");
        assert_eq!(part.get("x-http-content-length").unwrap(), "10");
        let none = fields(Plan::NotModified);
        assert_eq!(none.get("x-http-code").unwrap(), "304");
        assert!(none.get("x-http-content-length").is_none());
    }
}
