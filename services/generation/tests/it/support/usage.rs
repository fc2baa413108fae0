//! A usage service that keeps reservations in memory, prices work and remembers every call.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use contracts::google::api::HttpBody;
use contracts::policy::v1::policy::Meter;
use contracts::usage::v1 as usage;
use contracts::usage::v1::usage_service_server::UsageService;
use errors::{Fault, Reason};
use std::sync::Arc;
use tokio::sync::RwLock;
use tokio_stream::Stream;
use tonic::{Request, Response, Status};
use types::{Clock, ReservationId, SystemClock};
use uuid::Uuid;

use super::peers::{State, take_one};

/// How a reservation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Held {
    Open,
    Confirmed,
    Settled,
    Released,
    Suspended,
}

/// What money was asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    pub purpose: usage::Purpose,
    pub work: usage::Work,
}

/// What a reservation was settled with.
pub type Actuals = Vec<(Meter, i64)>;

/// What the usage service keeps.
#[derive(Default)]
pub struct Books {
    pub reservations: Mutex<HashMap<ReservationId, Held>>,
    /// Every call about a reservation, in order.
    pub calls: Mutex<Vec<(&'static str, ReservationId)>>,
    /// What each reservation's money is for.
    pub asked: Mutex<HashMap<ReservationId, Asked>>,
    /// What each was settled with, every time.
    pub settled: Mutex<HashMap<ReservationId, Vec<Actuals>>>,
    /// Who was paid what by the last settlement.
    pub charges: Mutex<HashMap<ReservationId, Vec<usage::Charge>>>,
    /// Every order that was asked about before it left.
    pub begun: Mutex<Vec<ReservationId>>,
    /// Whether paid work is paused.
    pub is_paused: AtomicBool,
    /// What is left of a budget that only warns, where there is one.
    pub soft_budget: Mutex<Option<i64>>,
    /// The catalogue; it goes before list prices.
    pub prices: Mutex<Vec<usage::Price>>,
    /// How the next reservations and amendments are refused.
    pub refusal: Mutex<Option<fn() -> Fault>>,
    /// How many further reservations are made; all when there is no number.
    pub left: Mutex<Option<usize>>,
    /// Whether reservations have expired by the time they are answered.
    pub is_late: AtomicBool,
    /// While a test writes here, reservations are made to wait.
    pub gate: RwLock<()>,
    /// How many further amendments are made, but not answered.
    pub amend_unheard: AtomicUsize,
}

impl Books {
    /// Sets a unit aside, as the gateway would have.
    pub fn set_aside(&self) -> ReservationId {
        let id = ReservationId(Uuid::now_v7());
        self.reservations.lock().unwrap().insert(id, Held::Open);
        id
    }

    /// What the one settlement of a reservation named, by meter.
    pub fn actuals(&self, id: ReservationId) -> Vec<(Meter, i64)> {
        let settled = self.settled.lock().unwrap();
        let times = settled.get(&id).map(Vec::as_slice).unwrap_or_default();
        assert_eq!(times.len(), 1, "settled {times:?}");
        times[0].clone()
    }

    fn price(&self, asked: &Asked) -> usage::PriceQuote {
        let whole = self.whole_price(asked);
        let permille = i64::from(asked.work.price_permille.unwrap_or(1_000));
        usage::PriceQuote {
            amount_microusd: (whole.amount_microusd * permille + 999) / 1_000,
            ..whole
        }
    }

    fn whole_price(&self, asked: &Asked) -> usage::PriceQuote {
        let prices = self.prices.lock().unwrap();
        let listed = prices.iter().find(|price| {
            price.provider == asked.purpose.provider && price.model == asked.purpose.model
        });
        match listed {
            Some(price) => usage::PriceQuote {
                amount_microusd: price.price_microusd,
                price_version: format!("catalogue:{}", price.version),
            },
            None => usage::PriceQuote {
                amount_microusd: asked.work.list_price_microusd.unwrap(),
                price_version: format!("list:{}", asked.work.list_price_as_of),
            },
        }
    }

    fn hold_money(
        &self,
        id: ReservationId,
        purpose: Option<usage::Purpose>,
        work: Option<usage::Work>,
    ) -> Option<usage::PriceQuote> {
        let asked = Asked {
            purpose: purpose?,
            work: work?,
        };
        let price = self.price(&asked);
        self.asked.lock().unwrap().insert(id, asked);
        Some(price)
    }

    fn take_one(&self) -> Result<(), Status> {
        match &mut *self.left.lock().unwrap() {
            None => Ok(()),
            Some(0) => Err(Fault::new(Reason::QuotaExceeded, "nothing is left").into()),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
        }
    }

    fn refuse(&self) -> Result<(), Status> {
        match *self.refusal.lock().unwrap() {
            Some(refusal) => Err(refusal().into()),
            None => Ok(()),
        }
    }
}

/// The service over the peers' state.
pub struct Usage(pub Arc<State>);

impl Usage {
    fn resolve(&self, call: &'static str, id: &str, to: Held) -> Result<ReservationId, Status> {
        if take_one(&self.0.usage_away) {
            return Err(Fault::unavailable("usage", "the test says so").into());
        }
        let id: ReservationId = id.parse().map_err(|_| Fault::not_found("reservation"))?;
        self.0.usage.calls.lock().unwrap().push((call, id));
        let mut reservations = self.0.usage.reservations.lock().unwrap();
        let held = reservations
            .get_mut(&id)
            .ok_or_else(|| Fault::not_found("reservation"))?;
        match (*held, to) {
            (from, to) if from == to => {}
            (Held::Settled, Held::Confirmed) => {}
            (Held::Suspended, Held::Settled | Held::Released) => *held = to,
            (Held::Open | Held::Confirmed, to) => *held = to,
            _ => return Err(Fault::new(Reason::WrongState, "it is resolved").into()),
        }
        Ok(id)
    }
}

fn not_here<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("not here"))
}

#[tonic::async_trait]
impl UsageService for Usage {
    async fn reserve(
        &self,
        request: Request<usage::ReserveRequest>,
    ) -> Result<Response<usage::ReserveResponse>, Status> {
        let books = &self.0.usage;
        let _open = books.gate.read().await;
        books.refuse()?;
        books.take_one()?;
        let request = request.into_inner();
        assert_eq!(request.amounts.len(), 1, "the money is priced there");
        let id: ReservationId = request.operation_id.parse().unwrap();
        books.calls.lock().unwrap().push(("reserve", id));
        books.reservations.lock().unwrap().insert(id, Held::Open);
        let hold = match books.is_late.load(Ordering::SeqCst) {
            true => Duration::ZERO,
            false => Duration::from_secs(60),
        };
        Ok(Response::new(usage::ReserveResponse {
            reservation_id: id.to_string(),
            expires_at: Some(SystemClock.now().plus(hold).into()),
            price: books.hold_money(id, request.purpose, request.work),
            ..usage::ReserveResponse::default()
        }))
    }

    async fn amend(
        &self,
        request: Request<usage::AmendRequest>,
    ) -> Result<Response<usage::AmendResponse>, Status> {
        let books = &self.0.usage;
        books.refuse()?;
        let request = request.into_inner();
        let id: ReservationId = request.reservation_id.parse().unwrap();
        books.calls.lock().unwrap().push(("amend", id));
        match books.reservations.lock().unwrap().get(&id) {
            Some(Held::Open) => {}
            Some(_) => return Err(Fault::new(Reason::WrongState, "it is not held").into()),
            None => return Err(Fault::not_found("reservation").into()),
        }
        let price = books.hold_money(id, request.purpose, request.work);
        if take_one(&books.amend_unheard) {
            return Err(Fault::unavailable("usage", "the answer is lost").into());
        }
        Ok(Response::new(usage::AmendResponse {
            limits: Vec::new(),
            price,
        }))
    }

    async fn confirm(
        &self,
        request: Request<usage::ConfirmRequest>,
    ) -> Result<Response<usage::ConfirmResponse>, Status> {
        let id = request.into_inner().reservation_id;
        self.resolve("confirm", &id, Held::Confirmed)?;
        Ok(Response::new(usage::ConfirmResponse {}))
    }

    async fn begin(
        &self,
        request: Request<usage::BeginRequest>,
    ) -> Result<Response<usage::BeginResponse>, Status> {
        let books = &self.0.usage;
        if books.is_paused.load(Ordering::SeqCst) {
            return Err(Fault::new(Reason::SpendingPaused, "paused").into());
        }
        let id: ReservationId = request.into_inner().reservation_id.parse().unwrap();
        books.begun.lock().unwrap().push(id);
        match books.reservations.lock().unwrap().get(&id) {
            Some(Held::Open | Held::Confirmed) => Ok(Response::new(usage::BeginResponse {})),
            Some(_) => Err(Fault::new(Reason::WrongState, "it is resolved").into()),
            None => Err(Fault::not_found("reservation").into()),
        }
    }

    async fn settle(
        &self,
        request: Request<usage::SettleRequest>,
    ) -> Result<Response<usage::SettleResponse>, Status> {
        let request = request.into_inner();
        let id = self.resolve("settle", &request.reservation_id, Held::Settled)?;
        let actuals = request.actuals.iter();
        let mut actuals: Actuals = actuals.map(|one| (one.meter(), one.amount)).collect();
        let charges = request.charges.iter();
        let sum = |of: fn(&usage::Charge) -> i64| charges.clone().map(of).sum();
        if !request.charges.is_empty() {
            actuals.push((Meter::Generations, sum(|one| one.generations)));
            actuals.push((Meter::Microusd, sum(|one| one.microusd)));
            let tokens = (Meter::Tokens, sum(|one| one.tokens));
            actuals.extend(Some(tokens).filter(|(_, sum)| *sum > 0));
        }
        self.0
            .usage
            .charges
            .lock()
            .unwrap()
            .insert(id, request.charges);
        let mut settled = self.0.usage.settled.lock().unwrap();
        settled.entry(id).or_default().push(actuals);
        Ok(Response::new(usage::SettleResponse {}))
    }

    async fn release(
        &self,
        request: Request<usage::ReleaseRequest>,
    ) -> Result<Response<usage::ReleaseResponse>, Status> {
        let id = request.into_inner().reservation_id;
        self.resolve("release", &id, Held::Released)?;
        Ok(Response::new(usage::ReleaseResponse {}))
    }

    async fn suspend(
        &self,
        request: Request<usage::SuspendRequest>,
    ) -> Result<Response<usage::SuspendResponse>, Status> {
        let id = request.into_inner().reservation_id;
        self.resolve("suspend", &id, Held::Suspended)?;
        Ok(Response::new(usage::SuspendResponse {}))
    }

    async fn get_price_list(
        &self,
        _: Request<usage::GetPriceListRequest>,
    ) -> Result<Response<usage::GetPriceListResponse>, Status> {
        Ok(Response::new(usage::GetPriceListResponse {
            version: 1,
            prices: self.0.usage.prices.lock().unwrap().clone(),
            next_page_token: String::new(),
        }))
    }

    async fn extend(
        &self,
        _: Request<usage::ExtendRequest>,
    ) -> Result<Response<usage::ExtendResponse>, Status> {
        not_here()
    }

    async fn get_usage(
        &self,
        _: Request<usage::GetUsageRequest>,
    ) -> Result<Response<usage::GetUsageResponse>, Status> {
        not_here()
    }

    async fn explain_usage(
        &self,
        request: Request<usage::ExplainUsageRequest>,
    ) -> Result<Response<usage::ExplainUsageResponse>, Status> {
        // One generation a month is left, and money enough for a cent.
        let asked = request.into_inner();
        let fits = asked.cost_microusd <= 10_000;
        let constraint = |meter: Meter, asked, remaining, fits| {
            let limit = usage::Limit {
                meter: meter.into(),
                window: usage::limit::Window::Month.into(),
                limit: 50_000,
                used: 50_000 - remaining,
                remaining,
                ..usage::Limit::default()
            };
            usage::explain_usage_response::Constraint {
                limit: Some(limit),
                asked,
                fits,
                hard: true,
            }
        };
        let money = constraint(Meter::Microusd, asked.cost_microusd, 10_000, fits);
        let mut constraints = vec![money, constraint(Meter::Generations, 1, 1, true)];
        if let Some(left) = *self.0.usage.soft_budget.lock().unwrap() {
            let fits = asked.cost_microusd <= left;
            constraints.push(usage::explain_usage_response::Constraint {
                hard: false,
                ..constraint(Meter::Microusd, asked.cost_microusd, left, fits)
            });
        }
        Ok(Response::new(usage::ExplainUsageResponse {
            allowed: fits,
            reason: if fits { "" } else { "BUDGET_EXCEEDED" }.to_owned(),
            message: if fits { "" } else { "a cent is left" }.to_owned(),
            constraints,
            provider: asked.provider,
            model: asked.model,
            price: None,
        }))
    }

    async fn list_usage_records(
        &self,
        _: Request<usage::ListUsageRecordsRequest>,
    ) -> Result<Response<usage::ListUsageRecordsResponse>, Status> {
        not_here()
    }

    type ExportUsageStream = Pin<Box<dyn Stream<Item = Result<HttpBody, Status>> + Send>>;

    async fn export_usage(
        &self,
        _: Request<usage::ExportUsageRequest>,
    ) -> Result<Response<Self::ExportUsageStream>, Status> {
        not_here()
    }
}
