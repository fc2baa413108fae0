//! What is not taken in: nothing of it stays, and nothing of it breaks anything.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use errors::Reason;
use futures::StreamExt;
use testkit::pictures;

use crate::support::app::TestApp;
use crate::support::corpus::{FEW_PIXELS, chunk, jpeg_saying, png_saying};
use crate::support::reason;
use crate::support::user::{messages, piece_of};

#[tokio::test]
async fn what_is_no_picture() {
    let app = TestApp::start().await;
    let user = app.user();
    for content in [
        &b"hello, I am a text"[..],
        b"hi",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>",
        b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff;",
        b"GIF89a/*\0\0\0*/=1;alert(1)",
        b"%PDF-1.7 and so on",
        b"PK\x03\x04 and so on",
        b"MZ\x90\0 and so on and on",
        b"\x7fELF and so on and on",
    ] {
        for declared in ["image/png", "", "image/gif", "text/html"] {
            let refused = user.upload(declared, content).await.unwrap_err();
            assert_eq!(
                reason(refused),
                Reason::UnsupportedMediaType,
                "{content:?} {declared}"
            );
        }
    }
    let png = pictures::png(8, 8);
    for declared in ["image/jpeg", "text/plain", "image/svg+xml"] {
        let refused = user.upload(declared, &png).await.unwrap_err();
        assert_eq!(reason(refused), Reason::UnsupportedMediaType, "{declared}");
    }
    app.expect_nothing_kept().await;
}

#[tokio::test]
async fn what_only_looks_like_a_picture() {
    let app = TestApp::start().await;
    let user = app.user();
    let with = |mut bytes: Vec<u8>, tail: &[u8]| {
        bytes.extend_from_slice(tail);
        bytes
    };
    let (png, jpeg, webp) = (
        pictures::png(90, 90),
        pictures::jpeg(90, 90),
        pictures::webp(90, 90),
    );
    let html = b"<html><script>alert(1)</script>";
    let mut corpus = vec![
        ("png and zip", with(png.clone(), b"PK\x05\x06\0\0\0\0")),
        ("png and html", with(png.clone(), html)),
        ("png and one byte", with(png.clone(), b"\n")),
        ("jpeg and html", with(jpeg.clone(), html)),
        (
            "jpeg, html, jpeg's end",
            with(jpeg.clone(), b"<html>\xff\xd9"),
        ),
        ("webp and html", with(webp.clone(), html)),
        ("png header, html", with(png[..8].to_vec(), html)),
        (
            "jpeg header, html",
            with(vec![0xff, 0xd8, 0xff, 0xe0], html),
        ),
        ("webp header, html", with(webp[..12].to_vec(), html)),
        ("png that lies", png_saying(5_000, 5_000, FEW_PIXELS)),
        ("png of no width", png_saying(0, 10, FEW_PIXELS)),
        (
            "png without pixels",
            with(b"\x89PNG\r\n\x1a\n".to_vec(), &chunk(*b"IEND", &[])),
        ),
    ];
    for (name, bytes) in [("png cut", &png), ("jpeg cut", &jpeg), ("webp cut", &webp)] {
        for cut in [13, 40, bytes.len() / 2, bytes.len() - 1] {
            corpus.push((name, bytes[..cut].to_vec()));
        }
    }
    for (name, bytes) in corpus {
        let refused = user.upload("", &bytes).await.unwrap_err();
        assert_eq!(reason(refused), Reason::UnreadableFile, "{name}");
    }
    app.expect_nothing_kept().await;
}

#[tokio::test]
async fn bombs_are_refused_by_their_header() {
    let app = TestApp::start().await;
    let user = app.user();
    for (name, bytes) in [
        ("12000 x 12000", png_saying(12_000, 12_000, FEW_PIXELS)),
        ("40000 x 40000", png_saying(40_000, 40_000, FEW_PIXELS)),
        ("20000 x 1", png_saying(20_000, 1, FEW_PIXELS)),
        ("65535 x 65535", jpeg_saying(65_535, 65_535)),
        ("9000 x 9000", jpeg_saying(9_000, 9_000)),
    ] {
        let begun = Instant::now();
        let refused = user.upload("", &bytes).await.unwrap_err();
        assert_eq!(reason(refused), Reason::TooLarge, "{name}");
        assert!(begun.elapsed() < Duration::from_secs(1), "{name}");
    }
    app.expect_nothing_kept().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_bytes_are_not_read_to_the_end() {
    let app = TestApp::start_with(&[("BOTTEGA_FILE_MAX_BYTES", "1000000")]).await;
    let user = app.user();
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let start = messages("a.png", "image/png", &pictures::png(8, 8), 100_000);
    let endless = futures::stream::repeat_with(move || {
        count.fetch_add(1, Ordering::SeqCst);
        piece_of(&[0; 50_000])
    });
    let messages = tokio_stream::iter(start).chain(endless);
    let refused = user.send(messages).await.unwrap_err();
    let fault = errors::from_status(refused);
    assert_eq!(fault.reason, Reason::TooLarge);
    assert_eq!(fault.metadata["limit"], "1000000");
    // Twenty pieces make a megabyte; what was under way in buffers is not read either.
    let sent = sent.load(Ordering::SeqCst);
    assert!(sent < 400, "{sent}");
    let exact = pictures::png(400, 300);
    assert!(user.upload("image/png", &exact).await.is_ok());
}

#[tokio::test]
async fn the_limit_itself_is_taken() {
    let png = pictures::png(40, 40);
    let limit = png.len().to_string();
    let app = TestApp::start_with(&[("BOTTEGA_FILE_MAX_BYTES", limit.as_str())]).await;
    let user = app.user();
    assert!(user.upload("image/png", &png).await.is_ok());
    let mut more = png.clone();
    more.push(0);
    let refused = user.upload("image/png", &more).await.unwrap_err();
    assert_eq!(reason(refused), Reason::TooLarge);
}

#[tokio::test]
async fn a_message_of_five_megabytes_is_too_large() {
    let app = TestApp::start().await;
    let user = app.user();
    let mut sent = messages("a.png", "image/png", &pictures::png(8, 8), 100_000);
    sent.push(piece_of(&vec![0; 5_000_000]));
    let refused = user.send(tokio_stream::iter(sent)).await.unwrap_err();
    assert_eq!(reason(refused), Reason::TooLarge);
    app.expect_nothing_kept().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_leaves_nothing() {
    let app = TestApp::start().await;
    let user = app.user();
    let png = pictures::png(600, 600);
    for part in [1, 100, png.len() / 2, png.len() - 1] {
        let sent = messages("a.png", "image/png", &png[..part], 1_000);
        let stalled = tokio_stream::iter(sent).chain(futures::stream::pending());
        // Dropping the call resets its stream.
        let left = tokio::time::timeout(Duration::from_millis(200), user.send(stalled)).await;
        assert!(left.is_err(), "{part}");
    }
    app.expect_nothing_kept().await;
}

#[tokio::test]
async fn a_client_that_stops_sending_is_told() {
    let app = TestApp::start_with(&[("BOTTEGA_FILE_IDLE_TIMEOUT", "1s")]).await;
    let user = app.user();
    let sent = messages("a.png", "image/png", &pictures::png(90, 90)[..50], 20);
    let stalled = tokio_stream::iter(sent).chain(futures::stream::pending());
    let refused = user.send(stalled).await.unwrap_err();
    assert_eq!(reason(refused), Reason::IncompleteBody);
    let silent = user.send(futures::stream::pending()).await.unwrap_err();
    assert_eq!(reason(silent), Reason::IncompleteBody);
    app.expect_nothing_kept().await;
}

#[tokio::test]
async fn a_store_that_is_gone_is_unavailable() {
    let app = TestApp::start().await;
    let user = app.user();
    std::fs::remove_dir_all(app.store()).unwrap();
    std::fs::write(app.store(), "no folder").unwrap();
    let refused = user.upload("image/png", &pictures::png(8, 8)).await;
    assert_eq!(reason(refused.unwrap_err()), Reason::Unavailable);
    std::fs::remove_file(app.store()).unwrap();
    assert!(user.upload("image/png", &pictures::png(8, 8)).await.is_ok());
}
