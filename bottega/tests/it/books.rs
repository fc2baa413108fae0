//! The usage service killed in the middle of its work: whatever its callers were told holds, whatever
//! they ask again counts once, and the sums are right to the millionth of a dollar.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use contracts::policy::v1::policy::Meter;
use contracts::usage::v1::usage_service_client::UsageServiceClient;
use contracts::usage::v1::{Amount, Purpose, ReserveRequest, SettleRequest};
use database::Database;
use errors::Reason;
use identity::Credentials;
use sea_orm::{ConnectionTrait, Statement};
use secrecy::{ExposeSecret, SecretString};
use testkit::TestDb;
use tonic::{Code, Status};
use uuid::Uuid;

use crate::app::process::{free_addr, ready};
use crate::app::{Process, defaults, install_crypto};

pub const SECRET: &str = "0123456789abcdef0123456789abcdef";
const WORKERS: usize = 16;
const KILLS: usize = 3;
pub const HELD: i64 = 37;
pub const PAID: i64 = 41;

/// Two usage processes on one database, and auth for their tokens.
pub struct Services {
    pub settings: BTreeMap<String, String>,
    pub usage: Vec<(String, Option<Process>)>,
    _auth: Process,
}

impl Services {
    pub async fn start(folder: &std::path::Path, database: &str) -> Self {
        let mut settings = defaults(folder);
        for (name, value) in [
            ("BOTTEGA_DATABASE_URL", database),
            ("BOTTEGA_SERVICE_SECRET", SECRET),
            ("BOTTEGA_USAGE_PLANS", "free:1000000+$1000,basic:1,pro:1"),
            ("BOTTEGA_GRPC_MAX_CONCURRENT", "4096"),
            ("BOTTEGA_USAGE_SWEEP_INTERVAL", "200ms"),
        ] {
            settings.insert(name.to_owned(), value.to_owned());
        }
        for name in ["BOTTEGA_AUTH_ADDR", "BOTTEGA_AUTH_ADMIN_ADDR"] {
            settings.insert(name.to_owned(), free_addr());
        }
        let auth = Process::serve("auth", &settings);
        let admin = &settings["BOTTEGA_AUTH_ADMIN_ADDR"];
        ready(&format!("http://{admin}/readyz")).await;
        let mut services = Self {
            usage: (0..2).map(|_| (free_addr(), None)).collect(),
            settings,
            _auth: auth,
        };
        for place in 0..2 {
            services.raise(place).await;
        }
        services
    }

    pub async fn raise(&mut self, place: usize) {
        let mut settings = self.settings.clone();
        let admin = free_addr();
        settings.insert("BOTTEGA_USAGE_ADDR".to_owned(), self.usage[place].0.clone());
        settings.insert("BOTTEGA_USAGE_ADMIN_ADDR".to_owned(), admin.clone());
        self.usage[place].1 = Some(Process::serve("usage", &settings));
        ready(&format!("http://{admin}/readyz")).await;
    }

    pub fn kill(&mut self, place: usize) {
        self.usage[place].1.take().unwrap().kill();
    }
}

/// A caller that asks again until it has an answer.
#[derive(Clone)]
pub struct Caller {
    pub clients: Vec<UsageServiceClient<tonic::transport::Channel>>,
    pub credentials: Credentials,
}

impl Caller {
    async fn reserve(&self, id: &str, owner: &str) {
        assert!(self.hold(id, owner).await, "there is plenty");
    }

    /// Whether a picture and its money were set aside.
    pub async fn hold(&self, id: &str, owner: &str) -> bool {
        let amount = |meter: Meter, amount| Amount {
            meter: meter.into(),
            amount,
        };
        let message = ReserveRequest {
            operation_id: id.to_owned(),
            owner_id: owner.to_owned(),
            tier: "free".to_owned(),
            amounts: vec![amount(Meter::Generations, 1), amount(Meter::Microusd, HELD)],
            purpose: Some(Purpose {
                kind: "IMAGE".to_owned(),
                provider: "openai".to_owned(),
                ..Purpose::default()
            }),
            ..ReserveRequest::default()
        };
        for client in self.clients.iter().cycle() {
            let request = self.credentials.request(None, message.clone()).await;
            match client.clone().reserve(request.unwrap()).await {
                Ok(_) => return true,
                Err(status)
                    if errors::from_status(status.clone()).reason == Reason::QuotaExceeded =>
                {
                    return false;
                }
                Err(status) => patient(status).await,
            }
        }
        false
    }

    pub async fn settle(&self, id: &str) {
        let message = SettleRequest {
            reservation_id: id.to_owned(),
            actuals: vec![Amount {
                meter: Meter::Microusd.into(),
                amount: PAID,
            }],
            charges: Vec::new(),
        };
        for client in self.clients.iter().rev().cycle() {
            let request = self.credentials.request(None, message.clone()).await;
            match client.clone().settle(request.unwrap()).await {
                Ok(_) => return,
                Err(status) => patient(status).await,
            }
        }
    }
}

// Nobody answered, so it is asked again; anything else is an answer, and a wrong one.
async fn patient(status: Status) {
    let code = status.code();
    let away = [
        Code::Unavailable,
        Code::Cancelled,
        Code::Unknown,
        Code::DeadlineExceeded,
    ];
    let text = format!("{status:?}");
    let fault = errors::from_status(status);
    assert!(
        away.contains(&code) || fault.reason == Reason::Unavailable,
        "{text}"
    );
    tokio::time::sleep(Duration::from_millis(20)).await;
}

pub async fn number(db: &Database, sql: &str) -> i64 {
    let sql = format!("SELECT CAST(({sql}) AS BIGINT) AS n");
    let statement = Statement::from_string(db.read().get_database_backend(), sql);
    let row = db.read().query_one_raw(statement).await.unwrap().unwrap();
    row.try_get("", "n").unwrap()
}

#[expect(clippy::too_many_lines, reason = "most of it is the list of sums")]
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_again_and_again_the_books_are_right() {
    install_crypto();
    let folder = tempfile::tempdir().unwrap();
    let test = TestDb::postgres("all").await;
    let url = test.settings().url.expose_secret().to_owned();
    let mut services = Services::start(folder.path(), &url).await;
    let auth = server::connect(&services.settings["BOTTEGA_AUTH_ADDR"]).unwrap();
    let secret = SecretString::from(SECRET.to_owned());
    let caller = Caller {
        clients: (services.usage.iter())
            .map(|(addr, _)| UsageServiceClient::new(server::connect(addr).unwrap()))
            .collect(),
        credentials: Credentials::new("gateway", auth, secret),
    };

    let end = Instant::now() + Duration::from_secs(6);
    let workers: Vec<_> = (0..WORKERS)
        .map(|worker| {
            let mut caller = caller.clone();
            caller.clients.rotate_left(worker % 2);
            tokio::spawn(async move {
                let owner = Uuid::from_u128(u128::try_from(worker % 3 + 1).unwrap()).to_string();
                let mut pairs = 0_i64;
                while Instant::now() < end {
                    let id = Uuid::now_v7().to_string();
                    caller.reserve(&id, &owner).await;
                    caller.settle(&id).await;
                    pairs += 1;
                }
                pairs
            })
        })
        .collect();
    for place in (0..KILLS).map(|kill| kill % 2) {
        tokio::time::sleep(Duration::from_millis(1_200)).await;
        services.kill(place);
        tokio::time::sleep(Duration::from_millis(150)).await;
        services.raise(place).await;
    }
    let mut pairs = 0;
    for worker in workers {
        pairs += worker.await.unwrap();
    }
    assert!(pairs > 20, "{pairs}");

    let db = Database::connect(&database::Settings::of(&url, "usage"))
        .await
        .unwrap();
    let spent = pairs * HELD;
    let lost = pairs * (PAID - HELD);
    for (sql, expected) in [
        ("SELECT COUNT(*) FROM entries WHERE kind = 'charge'", pairs),
        (
            "SELECT COUNT(*) FROM reservations WHERE state <> 'settled'",
            0,
        ),
        (
            "SELECT SUM(amount) FROM entries WHERE kind = 'charge'",
            spent,
        ),
        ("SELECT SUM(amount) FROM entries WHERE kind = 'loss'", lost),
        (
            "SELECT SUM(debits) FROM accounts WHERE account LIKE 'user:%'",
            spent,
        ),
        (
            "SELECT SUM(debits) FROM accounts WHERE account = 'platform:loss'",
            lost,
        ),
        (
            "SELECT SUM(credits) FROM accounts WHERE account = 'provider:openai'",
            spent + lost,
        ),
        (
            "SELECT SUM(used) FROM counters WHERE meter = 'GENERATIONS'",
            pairs,
        ),
        (
            "SELECT SUM(used) FROM counters WHERE meter = 'MICROUSD'",
            spent,
        ),
        ("SELECT SUM(held) FROM counters", 0),
        ("SELECT SUM(records) FROM usage_daily", pairs),
        ("SELECT SUM(charged) FROM usage_daily", spent),
        ("SELECT SUM(loss) FROM usage_daily", lost),
        ("SELECT SUM(microusd) FROM spend_minutes", spent + lost),
    ] {
        assert_eq!(number(&db, sql).await, expected, "{sql}");
    }
}
