//! Bytes on their way out: whole, in part, or not at all.

use errors::Reason;
use testkit::pictures;
use tonic::Code;

use crate::support::app::TestApp;
use crate::support::{reason, somebody};

#[tokio::test]
async fn the_whole_comes_in_pieces() {
    let app = TestApp::start().await;
    let user = app.user();
    // Noise does not compress, so this one has a few hundred kilobytes.
    let noise = image::RgbImage::from_fn(400, 300, |x, y| {
        let seed = (x * 7_919 + y * 104_729).wrapping_mul(2_654_435_761);
        image::Rgb([(seed >> 8) as u8, (seed >> 16) as u8, (seed >> 24) as u8])
    });
    let mut png = std::io::Cursor::new(Vec::new());
    noise.write_to(&mut png, image::ImageFormat::Png).unwrap();
    let png = png.into_inner();
    assert!(png.len() > 200_000, "{}", png.len());
    let file = user.upload("image/png", &png).await.unwrap();

    let got = user.content(&file.id, &[]).await.unwrap();
    assert_eq!(got.bytes(), png);
    assert!(got.messages.len() > 3);
    assert_eq!(got.messages[0].content_type, "image/png");
    assert!(
        got.messages[1..]
            .iter()
            .all(|one| one.content_type.is_empty())
    );
    assert!(got.messages.iter().all(|one| one.data.len() <= 65_536));
    assert_eq!(got.field("x-http-code"), "200");
    assert_eq!(got.field("etag"), format!("\"{}\"", file.sha256));
    assert_eq!(got.field("accept-ranges"), "bytes");
    assert_eq!(got.field("x-http-content-length"), png.len().to_string());
    assert_eq!(
        got.field("cache-control"),
        "private, max-age=31536000, immutable"
    );
    assert_eq!(
        got.field("content-disposition"),
        "inline; filename=\"a.png\"; filename*=UTF-8''a.png"
    );
    assert!(got.field("last-modified").ends_with(" GMT"));
    assert_eq!(got.field("content-range"), "");
}

#[tokio::test]
async fn a_range_is_a_part() {
    let app = TestApp::start().await;
    let user = app.user();
    let png = pictures::png(300, 200);
    let (file, size) = (user.upload("", &png).await.unwrap(), png.len());
    for (range, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=-5", size - 5, size),
        ("bytes=100-", 100, size),
        ("bytes=0-99999999", 0, size),
    ] {
        let got = user.content(&file.id, &[("range", range)]).await.unwrap();
        assert_eq!(got.bytes(), png[from..to], "{range}");
        assert_eq!(got.field("x-http-code"), "206", "{range}");
        let described = format!("bytes {from}-{}/{size}", to - 1);
        assert_eq!(got.field("content-range"), described);
        assert_eq!(got.field("x-http-content-length"), (to - from).to_string());
        assert_eq!(got.messages[0].content_type, "image/png");
    }
    for ignored in ["bytes=0-1,5-6", "lines=1-2", "bytes=9-3", "nonsense"] {
        let got = user.content(&file.id, &[("range", ignored)]).await.unwrap();
        assert_eq!(got.field("x-http-code"), "200", "{ignored}");
        assert_eq!(got.bytes(), png);
    }
}

#[tokio::test]
async fn a_range_outside_says_how_much_there_is() {
    let app = TestApp::start().await;
    let user = app.user();
    let png = pictures::png(30, 20);
    let file = user.upload("", &png).await.unwrap();
    let beyond = format!("bytes={}-", png.len());
    for range in [beyond.as_str(), "bytes=-0"] {
        let refused = user
            .content(&file.id, &[("range", range)])
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Code::OutOfRange);
        let described = format!("bytes */{}", png.len());
        let field = refused.metadata().get("content-range").unwrap().clone();
        assert_eq!(field, described.as_str());
        let fault = errors::from_status(refused);
        assert_eq!(fault.reason, Reason::RangeNotSatisfiable);
        assert_eq!(fault.metadata["size"], png.len().to_string());
    }
}

#[tokio::test]
async fn a_client_that_has_it_gets_nothing() {
    let app = TestApp::start().await;
    let user = app.user();
    let png = pictures::png(30, 20);
    let file = user.upload("", &png).await.unwrap();
    let tag = format!("\"{}\"", file.sha256);
    let weak = format!("\"x\", W/{tag}");
    for tags in [tag.as_str(), weak.as_str(), "*"] {
        let fields = [("if-none-match", tags), ("range", "bytes=0-1")];
        let got = user.content(&file.id, &fields).await.unwrap();
        assert_eq!(got.field("x-http-code"), "304", "{tags}");
        assert_eq!(got.field("etag"), tag);
        assert!(got.messages.is_empty());
    }
    let got = user.content(&file.id, &[("if-none-match", "\"x\"")]).await;
    assert_eq!(got.unwrap().bytes(), png);
    for (validator, code) in [(tag.as_str(), "206"), ("\"x\"", "200")] {
        let fields = [("if-range", validator), ("range", "bytes=0-1")];
        let got = user.content(&file.id, &fields).await.unwrap();
        assert_eq!(got.field("x-http-code"), code, "{validator}");
    }
}

#[tokio::test]
async fn bytes_that_are_lost_are_unavailable() {
    let app = TestApp::start().await;
    let user = app.user();
    let file = user.upload("", &pictures::png(30, 20)).await.unwrap();
    let object = app.objects().remove(0);
    // Cut short on the disk: no shorter answer under the old length.
    std::fs::write(&object, b"short").unwrap();
    let refused = user.content(&file.id, &[]).await.unwrap_err();
    assert_eq!(reason(refused), Reason::Unavailable);
    std::fs::remove_file(&object).unwrap();
    let refused = user.content(&file.id, &[]).await.unwrap_err();
    assert_eq!(reason(refused), Reason::Unavailable);
    // What is known of it is still known.
    assert_eq!(user.get(&file.id).await.unwrap(), file);
}

#[tokio::test]
async fn others_see_nothing() {
    let app = TestApp::start().await;
    let (owner, other) = (app.user(), app.user());
    let file = owner.upload("", &pictures::png(30, 20)).await.unwrap();
    let unknown = somebody().to_string();
    for id in [&file.id, &unknown] {
        let refusals = [
            other.get(id).await.map(drop).unwrap_err(),
            other.content(id, &[]).await.map(drop).unwrap_err(),
            other.delete(id).await.unwrap_err(),
        ];
        for refused in refusals {
            // Word for word the same, whether there is such a file or not.
            assert_eq!(refused.message(), "no such file");
            assert_eq!(reason(refused), Reason::NotFound);
        }
    }
    assert!(owner.get(&file.id).await.is_ok());
}
