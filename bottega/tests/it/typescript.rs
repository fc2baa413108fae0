//! A TypeScript client generated from the served OpenAPI document compiles, and does the main job.

use std::path::Path;

use tokio::process::Command;

use crate::app::App;

#[tokio::test]
async fn a_generated_client_compiles_and_does_the_main_job() {
    let app = App::start().await;
    let folder = tempfile::tempdir().unwrap();
    let picture = folder.path().join("input.png");
    std::fs::write(&picture, testkit::pictures::png(64, 64)).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/typescript-client");
    let ran = Command::new(script).arg(&app.url).arg(&picture).output();
    let ran = ran.await.unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (said(&ran.stdout), said(&ran.stderr));
    assert!(ran.status.success(), "{out}\n{err}");
    assert!(out.starts_with("made "), "{out}");
    app.stop().await;
}
