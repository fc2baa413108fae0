//! The kill grid: a process is ended with no warning at every COMMIT it sends and at every word it has
//! with a provider, before the other side hears of it, after it did, and when it answered. Whoever
//! ordered asks again under their key, and gets one picture, for one charge, told of once.
//!
//! `make prove` runs all of it and prints what came of each; a test run takes every other moment.

mod scene;
mod shop;

use testkit::Moment::{self, Before, Forwarded, Replied};

use scene::{Came, Cell, Played, Scene, Wire};
use shop::Kind;

// A row ends by itself, when the task has ended before there was so much to hear.
const MOST: usize = 12;

/// What is listened for on a wire.
struct Row {
    wire: Wire,
    bytes: &'static str,
    moments: &'static [Moment],
}

const COMMIT: &str = "COMMIT\0";

fn is_whole() -> bool {
    std::env::var_os("BOTTEGA_PROVE").is_some()
}

// In a test run one moment of each commit: the reply lost is the one that must not be taken for a
// refusal.
fn commits(wire: Wire) -> Row {
    Row {
        wire,
        bytes: COMMIT,
        moments: match is_whole() {
            true => &[Before, Forwarded, Replied],
            false => &[Forwarded],
        },
    }
}

fn words(bytes: &'static str) -> Row {
    Row {
        wire: Wire::Provider,
        bytes,
        moments: &[Before, Forwarded, Replied],
    }
}

async fn run(kind: Kind, rows: impl IntoIterator<Item = Row>) {
    let scene = Scene::open(kind).await;
    let mut played = Vec::new();
    for Row {
        wire,
        bytes,
        moments,
    } in rows
    {
        for moment in moments {
            for place in 1..=MOST {
                let cell = Cell {
                    wire,
                    bytes,
                    moment: *moment,
                    place,
                };
                let one = scene.play(cell).await;
                let is_last = !one.was_killed;
                played.push(one);
                if is_last {
                    break;
                }
            }
        }
    }
    let (mut wrong, mut files) = (Vec::new(), 0);
    for one in played {
        let came = scene.look(&one).await;
        files += came.files;
        if one.was_killed {
            tell(&one, &came);
        }
        if !came.is_right(&one.cell) {
            wrong.push((one, came));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(scene.files().await, i64::try_from(files).unwrap());
    scene.reconcile();
}

#[expect(clippy::print_stdout, reason = "`make prove` shows it")]
fn tell(played: &Played, came: &Came) {
    println!("{played} | {came}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_generation_service_at_its_commits() {
    run(Kind::WithJobs, [commits(Wire::Generation)]).await;
}

// The one commit that writes the key and its task: made, and nobody was told; or told to a process that is
// gone before it could answer. Whoever asks again under the key gets that task, and no other is made.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn between_the_row_of_a_key_and_the_answer() {
    let scene = Scene::open(Kind::AtOnce).await;
    for moment in [Forwarded, Replied] {
        let cell = Cell {
            wire: Wire::Generation,
            bytes: COMMIT,
            moment,
            place: 1,
        };
        let played = scene.play(cell).await;
        assert!(played.was_killed, "{played:?}");
        assert_eq!(scene.tasks_of(&played).await, 1);
        let came = scene.look(&played).await;
        tell(&played, &came);
        assert!(came.is_right(&cell), "{came:#?}");
    }
    scene.reconcile();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_usage_service_at_its_commits() {
    run(Kind::WithJobs, [commits(Wire::Usage)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_file_service_at_its_commits() {
    run(Kind::WithJobs, [commits(Wire::File)]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn at_every_word_with_a_provider_that_gives_job_ids() {
    let words = [
        words("POST /v1/flux"),
        words("GET /poll"),
        words("GET /sample"),
    ];
    run(Kind::WithJobs, words).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn at_every_word_with_a_provider_that_gives_none() {
    run(Kind::AtOnce, [words("POST /v1/images")]).await;
}
