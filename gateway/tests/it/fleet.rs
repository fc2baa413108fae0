//! A service of several processes behind the gateway: spread over, ended, brought back, gone.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::{Method, Response};
use server::{GrpcApp, GrpcSettings, Readiness, Shutdown, Sockets};
use tokio::time::{Instant, sleep};

use crate::fakes::file;
use crate::house::{House, refused};

/// No test waits longer for what should happen.
const PATIENCE: Duration = Duration::from_secs(10);

/// A process of the file service.
struct Process {
    addr: SocketAddr,
    log: file::Log,
    shutdown: Shutdown,
}

impl Process {
    async fn start(house: &House, addr: SocketAddr) -> Self {
        let admin = SocketAddr::from(([127, 0, 0, 1], 0));
        let sockets = Sockets::bind(config::Listen { addr, admin }).await.unwrap();
        let addr = sockets.addr();
        let log = file::Log::default();
        // Nothing is finished when it stops.
        let shutdown = Shutdown::new(Duration::ZERO);
        let settings = GrpcSettings::default();
        let app = GrpcApp::new("file", house.issuer.verifier(), Readiness::new(), settings);
        let app = app.add(file::service(&log));
        tokio::spawn(app.serve(sockets, shutdown.clone()));
        Self {
            addr,
            log,
            shutdown,
        }
    }

    fn asked(&self) -> usize {
        *self.log.asked.lock()
    }
}

/// A gateway in front of several.
struct Fleet {
    house: House,
    gateway: SocketAddr,
    processes: Vec<Process>,
}

impl Fleet {
    async fn of(size: u8) -> Self {
        let house = House::open().await;
        let mut processes = Vec::new();
        for number in 1..=size {
            let addr = SocketAddr::from(([127, 0, 0, number], 0));
            processes.push(Process::start(&house, addr).await);
        }
        let list: Vec<String> = processes.iter().map(|one| one.addr.to_string()).collect();
        let list = list.join(",");
        let settings = [("BOTTEGA_FILE_ADDR", list.as_str())];
        let gateway = house.another_gateway_with(&settings).await;
        Self {
            house,
            gateway,
            processes,
        }
    }

    async fn call(&self, method: Method, path: &str) -> Response {
        let url = format!("http://{}{path}", self.gateway);
        let request = self.house.client.request(method, url);
        let request = request.bearer_auth(self.house.token());
        request.send().await.unwrap()
    }

    /// Reads so often; how many went well.
    async fn read(&self, times: usize) -> usize {
        let mut well = 0;
        for _ in 0..times {
            let answer = self.call(Method::GET, "/v1/files/f-1").await;
            well += usize::from(answer.status() == 200);
        }
        well
    }

    async fn until(&self, what: &str, mut is_so: impl AsyncFnMut(&Self) -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_so(self).await {
            assert!(Instant::now() < end, "{what}: it did not happen");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

#[tokio::test]
async fn calls_are_spread_and_none_is_lost_when_one_ends() {
    let mut fleet = Fleet::of(3).await;
    let all_are_asked = async |fleet: &Fleet| {
        assert_eq!(fleet.read(20).await, 20);
        fleet.processes.iter().all(|one| one.asked() > 4)
    };
    fleet.until("all three are asked", all_are_asked).await;
    let gone = fleet.processes.remove(1);
    gone.shutdown.trigger();
    let before = gone.asked();
    assert_eq!(fleet.read(100).await, 100);
    assert_eq!(gone.asked(), before);
    let back = Process::start(&fleet.house, gone.addr).await;
    fleet.processes.insert(1, back);
    fleet.until("it is asked again", all_are_asked).await;
}

/// Ends the one of two processes that a call is stuck in, and lets the other answer. What the call was
/// answered, and what the other was asked.
async fn cut(method: Method) -> (Response, usize) {
    let mut fleet = Fleet::of(2).await;
    for process in &fleet.processes {
        *process.log.is_stuck.lock() = true;
    }
    let end_it = async {
        let asked = loop {
            let asked = fleet.processes.iter().position(|one| one.asked() > 0);
            match asked {
                Some(index) => break index,
                None => sleep(Duration::from_millis(5)).await,
            }
        };
        *fleet.processes[1 - asked].log.is_stuck.lock() = false;
        fleet.processes[asked].shutdown.trigger();
        asked
    };
    let call = fleet.call(method, "/v1/files/f-1");
    let (answer, ended) = tokio::join!(call, end_it);
    let other = fleet.processes.remove(1 - ended);
    (answer, other.asked())
}

#[tokio::test]
async fn what_may_have_been_done_is_done_again_only_when_it_changes_nothing() {
    // A process that is ended may still say that it stops: then that is the answer.
    let mut is_cut = false;
    for _ in 0..20 {
        let (read, asked) = cut(Method::GET).await;
        let outcome = (read.status().as_u16(), asked);
        is_cut = outcome == (200, 1);
        if is_cut {
            break;
        }
        assert_eq!(outcome, (503, 0));
    }
    assert!(is_cut);
    let (deleted, asked) = cut(Method::DELETE).await;
    assert_eq!(asked, 0);
    refused(deleted, 503, "UNAVAILABLE").await;
}

#[tokio::test]
async fn without_anybody_its_routes_alone_are_refused_at_once() {
    let fleet = Fleet::of(2).await;
    assert_eq!(fleet.read(4).await, 4);
    for process in &fleet.processes {
        process.shutdown.trigger();
    }
    let is_refused_at_once = async |fleet: &Fleet| {
        let began = Instant::now();
        let answer = fleet.call(Method::DELETE, "/v1/files/f-1").await;
        assert!(answer.headers().contains_key("retry-after"));
        refused(answer, 503, "UNAVAILABLE").await;
        began.elapsed() < Duration::from_millis(100)
    };
    fleet.until("nobody waits", is_refused_at_once).await;
    let usage = fleet.call(Method::GET, "/v1/usage").await;
    assert_eq!(usage.status(), 200);
    let _back = Process::start(&fleet.house, fleet.processes[1].addr).await;
    let is_well = async |fleet: &Fleet| fleet.read(1).await == 1;
    fleet.until("one is back", is_well).await;
    assert_eq!(fleet.read(20).await, 20);
}
