//! Five processes, with wires between them that are listened on; and what an order comes to when one
//! of them is ended at a word.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use database::{Database, Settings};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tempfile::TempDir;
use testkit::{FaultProxy, Moment, TestDb};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::shop::{Kind, Shop};
use crate::app::process::{command, free_addr, ready};
use crate::app::{Process, Reply, User, defaults, http, install_crypto};
use crate::books::{SECRET, number};

const PATIENCE: Duration = Duration::from_secs(90);
const PAUSE: Duration = Duration::from_millis(50);

/// Where is listened, and so who is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// Between the generation service and its database.
    Generation,
    /// Between the usage service and its database.
    Usage,
    /// Between the file service and its database.
    File,
    /// Between the generation service and the provider.
    Provider,
}

impl Wire {
    fn victim(self) -> &'static str {
        match self {
            Self::Generation | Self::Provider => "generation",
            Self::Usage => "usage",
            Self::File => "file",
        }
    }
}

/// When a process is ended: at the so-manieth time that these bytes pass.
#[derive(Debug, Clone, Copy)]
pub struct Cell {
    pub wire: Wire,
    pub bytes: &'static str,
    pub moment: Moment,
    pub place: usize,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = self.bytes.trim_end_matches('\0');
        let moment = match self.moment {
            Moment::Before => "before it arrived",
            Moment::Forwarded => "its answer lost",
            Moment::Replied => "once answered",
        };
        let (who, place) = (self.wire.victim(), self.place);
        write!(f, "{who:<10} | {what:<14} #{place:<2} | {moment:<17}")
    }
}

/// An order that somebody was ended at.
#[derive(Debug)]
pub struct Played {
    pub cell: Cell,
    pub was_killed: bool,
    took: Duration,
    key: String,
    id: String,
    ended: Value,
}

/// What came of an order.
#[derive(Debug)]
pub struct Came {
    status: String,
    reason: String,
    orders: usize,
    ends: i64,
    charges: i64,
    suspended: i64,
    open: i64,
    pub files: usize,
    told: usize,
}

impl fmt::Display for Played {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} | {:>4.1} s", self.cell, self.took.as_secs_f64())
    }
}

impl fmt::Display for Came {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (orders, charges, files, told) = (self.orders, self.charges, self.files, self.told);
        write!(
            f,
            "orders {orders} | charges {charges} | in suspense {} | files {files} | webhook ids {told} | {} {}",
            self.suspended, self.status, self.reason
        )
    }
}

impl Came {
    /// Whether there is one order, one end, one charge, one file, one webhook id; or, where nobody can
    /// know whether it was paid, nothing sent again, no charge, and its money in suspense.
    pub fn is_right(&self, cell: &Cell) -> bool {
        let got = (self.orders, self.charges, self.suspended, self.files);
        // An order that may have been on its way when its sender died.
        let may_be_lost = cell.wire == Wire::Generation || cell.bytes.starts_with("POST");
        let is_right = match &*self.status {
            "COMPLETED" => got == (1, 1, 0, 1),
            "FAILED" => may_be_lost && matches!(got, (0 | 1, 0, 1, 0)),
            _ => false,
        };
        is_right && (self.ends, self.open, self.told) == (1, 0, 1)
    }
}

// Where a process runs, or ran.
type Place = Arc<Mutex<Option<Process>>>;

/// The running suite.
pub struct Scene {
    settings: BTreeMap<String, String>,
    processes: BTreeMap<&'static str, Place>,
    wires: BTreeMap<&'static str, Arc<FaultProxy>>,
    shop: Shop,
    user: User,
    told: Told,
    books: Database,
    tasks: Database,
    shelves: Database,
    _test: TestDb,
    _folder: TempDir,
}

impl Scene {
    pub async fn open(kind: Kind) -> Self {
        install_crypto();
        let folder = tempfile::tempdir().unwrap();
        let test = TestDb::postgres("all").await;
        let shop = Shop::open().await;
        let (hook, told) = receiver().await;
        let mut wires = BTreeMap::new();
        for name in ["generation", "usage", "file"] {
            wires.insert(name, Arc::new(FaultProxy::start(test.server()).await));
        }
        wires.insert("provider", Arc::new(FaultProxy::start(shop.addr).await));
        let settings = settings(folder.path(), kind, &test, &wires);
        let mut processes = BTreeMap::new();
        for name in ["auth", "usage", "file", "generation", "gateway"] {
            let place = Place::default();
            raise(&place, name, &settings).await;
            processes.insert(name, place);
        }
        let url = format!("http://{}", settings["BOTTEGA_GATEWAY_ADDR"]);
        let user = User::register(&http(), &url).await;
        let made = user.post("/v1/webhooks", &json!({"url": hook})).await;
        made.expect(201);
        let url = test.settings().url.expose_secret().to_owned();
        let open = async |service| {
            Database::connect(&Settings::of(&url, service))
                .await
                .unwrap()
        };
        Self {
            settings,
            processes,
            wires,
            shop,
            user,
            told,
            books: open("usage").await,
            tasks: open("generation").await,
            shelves: open("file").await,
            _test: test,
            _folder: folder,
        }
    }

    /// Orders one picture, and ends a process at the cell's moment.
    pub async fn play(&self, cell: Cell) -> Played {
        let victim = cell.wire.victim();
        let wire = match cell.wire {
            Wire::Provider => "provider",
            _ => victim,
        };
        let wire = &self.wires[wire];
        let was_killed = Arc::new(AtomicBool::new(false));
        let (place, flag) = (Arc::clone(&self.processes[victim]), Arc::clone(&was_killed));
        let killed = arm(wire, cell, move || {
            flag.store(true, Ordering::SeqCst);
            if let Some(process) = place.lock().unwrap().take() {
                process.kill();
            }
        });
        let (place, settings) = (Arc::clone(&self.processes[victim]), self.settings.clone());
        let nurse = tokio::spawn(async move {
            if killed.await.is_ok() {
                raise(&place, victim, &settings).await;
            }
        });
        // No word that is listened for is in it.
        let key = Uuid::now_v7().to_string();
        let begun = Instant::now();
        let id = self.order(&key).await;
        let ended = self.ended(&id).await;
        let took = begun.elapsed();
        self.until("nothing is owed, or somebody is ended", || async {
            let is_over = was_killed.load(Ordering::SeqCst) || self.is_at_rest(&id).await;
            is_over.then_some(())
        })
        .await;
        // Whoever was not ended by now will not be.
        wire.disarm();
        nurse.await.unwrap();
        Played {
            cell,
            was_killed: was_killed.load(Ordering::SeqCst),
            took,
            key,
            id,
            ended,
        }
    }

    /// Waits until nothing is owed for an order, and looks what came of it.
    pub async fn look(&self, played: &Played) -> Came {
        let Played { id, ended, key, .. } = played;
        self.until("nothing is owed", || async {
            self.is_at_rest(id).await.then_some(())
        })
        .await;
        let ends = format!(
            "SELECT COUNT(*) FROM events WHERE task_id = '{id}'
             AND status IN ('completed', 'failed', 'cancelled')"
        );
        let charges =
            format!("SELECT COUNT(*) FROM entries WHERE task_id = '{id}' AND kind = 'charge'");
        let reservations = |states: &str| {
            format!(
                "SELECT COUNT(*) FROM reservations
                 WHERE purpose::json ->> 'task' = '{id}' AND state IN ({states})"
            )
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        // What was set aside for a call that was lost has no task, and expires.
        let open = reservations("'held', 'confirmed'");
        Came {
            status: text(&ended["status"]),
            reason: text(&ended["error"]["reason"]),
            orders: self.shop.orders(key),
            ends: number(&self.tasks, &ends).await,
            charges: number(&self.books, &charges).await,
            suspended: number(&self.books, &reservations("'suspended'")).await,
            open: number(&self.books, &open).await,
            files: ended["outputs"].as_array().map_or(0, Vec::len),
            told: self.told.lock().unwrap().get(id).map_or(0, BTreeSet::len),
        }
    }

    /// How many tasks its owner's one key made.
    pub async fn tasks_of(&self, played: &Played) -> i64 {
        let key = &played.key;
        let sql = format!("SELECT COUNT(*) FROM tasks WHERE request LIKE '%{key}%'");
        number(&self.tasks, &sql).await
    }

    async fn is_at_rest(&self, id: &str) -> bool {
        let owed = format!("SELECT COUNT(*) FROM outbox WHERE task_id = '{id}'");
        let is_told = self.told.lock().unwrap().contains_key(id);
        is_told && number(&self.tasks, &owed).await == 0
    }

    /// How many files there are, of all orders together.
    pub async fn files(&self) -> i64 {
        number(&self.shelves, "SELECT COUNT(*) FROM files").await
    }

    // As a client does that wants one picture: again and again, under one key.
    async fn order(&self, key: &str) -> String {
        let image = json!({"prompt": key, "width": 64, "height": 64});
        let order = json!({"kind": "IMAGE", "image": image});
        self.until("an order is taken", || async {
            let request = self.user.request(reqwest::Method::POST, "/v1/generations");
            let request = request.header("idempotency-key", key).json(&order);
            let reply = Reply::maybe(request)
                .await
                .filter(|reply| reply.status < 300)?;
            Some(reply.json()["id"].as_str().unwrap().to_owned())
        })
        .await
    }

    async fn ended(&self, id: &str) -> Value {
        let path = format!("/v1/generations/{id}");
        self.until("a generation ends", || async {
            let reply = Reply::maybe(self.user.request(reqwest::Method::GET, &path)).await;
            let generation = reply.filter(|reply| reply.status == 200)?.json();
            let status = generation["status"].as_str().unwrap();
            ["COMPLETED", "FAILED"]
                .contains(&status)
                .then_some(generation)
        })
        .await
    }

    async fn until<T, F: Future<Output = Option<T>>>(&self, what: &str, look: impl Fn() -> F) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "not within {PATIENCE:?}: {what}"
            );
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The books agree with themselves.
    pub fn reconcile(&self) {
        let told = command(&["admin", "reconcile"], &self.settings)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&told.stdout);
        assert!(text.starts_with("0 differences"), "{text}");
    }
}

fn settings(
    folder: &std::path::Path,
    kind: Kind,
    test: &TestDb,
    wires: &BTreeMap<&'static str, Arc<FaultProxy>>,
) -> BTreeMap<String, String> {
    let mut settings = defaults(folder);
    let url = test.settings().url.expose_secret().to_owned();
    let mut set = |name: &str, value: String| settings.insert(name.to_owned(), value);
    set("BOTTEGA_DATABASE_URL", url);
    for name in ["generation", "usage", "file"] {
        let through = test
            .through(wires[name].addr())
            .settings()
            .url
            .expose_secret()
            .to_owned();
        set(
            &format!("BOTTEGA_{}_DATABASE_URL", name.to_uppercase()),
            through,
        );
    }
    for name in ["GATEWAY", "AUTH", "FILE", "GENERATION", "USAGE"] {
        set(&format!("BOTTEGA_{name}_ADDR"), free_addr());
        set(&format!("BOTTEGA_{name}_ADMIN_ADDR"), free_addr());
    }
    let shop = wires["provider"].addr();
    match kind {
        Kind::WithJobs => {
            set("BOTTEGA_PROVIDER_FLUX_KEY", "k".to_owned());
            set("BOTTEGA_PROVIDER_FLUX_BASE_URL", format!("http://{shop}"));
            set("BOTTEGA_PROVIDER_FLUX_RESULT_HOSTS", "127.0.0.1".to_owned())
        }
        Kind::AtOnce => set(
            "BOTTEGA_PROVIDER_OPENAI_BASE_URL",
            format!("http://{shop}/v1"),
        ),
    };
    for (name, value) in [
        ("BOTTEGA_SERVICE_SECRET", SECRET),
        ("BOTTEGA_EGRESS_ALLOW", "127.0.0.1"),
        ("BOTTEGA_USAGE_PLANS", "free:1000000+$1000,basic:1,pro:1"),
        ("BOTTEGA_GENERATION_LEASE", "3s"),
        ("BOTTEGA_GENERATION_POLL", "50ms"),
    ] {
        set(name, value.to_owned());
    }
    settings
}

async fn raise(place: &Place, name: &str, settings: &BTreeMap<String, String>) {
    let process = Process::serve(name, settings);
    *place.lock().unwrap() = Some(process);
    let admin = &settings[&format!("BOTTEGA_{}_ADMIN_ADDR", name.to_uppercase())];
    ready(&format!("http://{admin}/readyz")).await;
}

// The bytes pass so often unharmed before the moment is the cell's.
fn arm(
    wire: &Arc<FaultProxy>,
    cell: Cell,
    kill: impl FnOnce() + Send + 'static,
) -> oneshot::Receiver<()> {
    let (done, was_done) = oneshot::channel();
    let act = Box::new(move || {
        kill();
        let _ = done.send(());
    });
    wait_for(wire, cell, cell.place, act);
    was_done
}

fn wait_for(wire: &Arc<FaultProxy>, cell: Cell, left: usize, act: Box<dyn FnOnce() + Send>) {
    let bytes = cell.bytes.as_bytes();
    if left == 1 {
        wire.once(bytes, cell.moment, act);
        return;
    }
    let next = Arc::downgrade(wire);
    wire.once(bytes, Moment::Replied, move || {
        if let Some(wire) = next.upgrade() {
            wait_for(&wire, cell, left - 1, act);
        }
    });
}

/// By generation, the ids of the messages that told of its end.
type Told = Arc<Mutex<BTreeMap<String, BTreeSet<String>>>>;

async fn receiver() -> (String, Told) {
    let told = Told::default();
    let router = axum::Router::new()
        .route("/hooks", axum::routing::post(hear))
        .with_state(Arc::clone(&told));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hooks", listener.local_addr().unwrap());
    #[expect(clippy::disallowed_methods, reason = "a receiver is no server of ours")]
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, told)
}

async fn hear(State(told): State<Told>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let event: Value = serde_json::from_slice(&body).unwrap();
    let id = event["data"]["id"].as_str().unwrap_or_default().to_owned();
    let message = headers["webhook-id"].to_str().unwrap().to_owned();
    told.lock().unwrap().entry(id).or_default().insert(message);
    StatusCode::NO_CONTENT
}
