//! What operators do, over gRPC with their tokens: on both engines, every answer whole.

mod access;
mod alerts;
mod bad_input;
mod budgets;
mod corrections;
mod plans;
mod prices;
mod processes;
mod seeding;

use contracts::policy::v1::policy::Meter;
use contracts::usage::v1::limit::Window;
use contracts::usage::v1::scope::Type;
use contracts::usage::v1::usage_admin_service_client::UsageAdminServiceClient;
use contracts::usage::v1::usage_service_client::UsageServiceClient;
use contracts::usage::v1::{
    Amount, AuditEvent, Budget, ConfirmRequest, CreateBudgetRequest, Limit, ListAuditEventsRequest,
    Purpose, ReserveRequest, Scope, SettleRequest, SuspendRequest,
};
use errors::{Reason, from_status};
use testkit::TestDb;
use tonic::Status;
use tonic::transport::Channel;
use types::UserId;
use uuid::Uuid;

use crate::served::Served;

/// A service, and its operator at work.
struct Office {
    served: Served,
    admin: UsageAdminServiceClient<Channel>,
    usage: UsageServiceClient<Channel>,
}

impl Office {
    async fn open(test: &TestDb, plans: &str) -> Self {
        // Nothing expires while a test turns the clock.
        let settings = [
            ("BOTTEGA_USAGE_PLANS", plans),
            ("BOTTEGA_USAGE_SWEEP_INTERVAL", "1h"),
        ];
        let served = Served::start(test, &settings).await;
        let (admin, usage) = (served.admin_client(), served.client());
        Self {
            served,
            admin,
            usage,
        }
    }

    async fn create(&mut self, request: CreateBudgetRequest) -> Result<Budget, Status> {
        let made = self.admin.create_budget(self.served.as_admin(request));
        Ok(made.await?.into_inner().budget.unwrap())
    }

    /// Sets money aside for a picture, on the plan `free`.
    async fn hold(&mut self, owner: UserId, provider: &str, cost: i64) -> Result<String, Status> {
        let request = order(owner, provider, cost);
        let id = request.operation_id.clone();
        self.usage.reserve(self.served.as_service(request)).await?;
        Ok(id)
    }

    async fn settle(&mut self, reservation_id: &str, cost: i64) {
        let request = SettleRequest {
            reservation_id: reservation_id.to_owned(),
            actuals: vec![Amount {
                meter: Meter::Microusd.into(),
                amount: cost,
            }],
            charges: Vec::new(),
        };
        let settled = self.usage.settle(self.served.as_service(request)).await;
        settled.unwrap();
    }

    async fn suspend(&mut self, reservation_id: &str) {
        let reservation_id = reservation_id.to_owned();
        let confirm = ConfirmRequest {
            reservation_id: reservation_id.clone(),
        };
        let confirm = self.served.as_service(confirm);
        self.usage.confirm(confirm).await.unwrap();
        let suspend = self.served.as_service(SuspendRequest { reservation_id });
        self.usage.suspend(suspend).await.unwrap();
    }

    /// Spends at once.
    async fn spend(&mut self, owner: UserId, provider: &str, cost: i64) {
        let id = self.hold(owner, provider, cost).await.unwrap();
        self.settle(&id, cost).await;
    }

    /// What was changed, oldest first.
    async fn audit(&mut self) -> Vec<AuditEvent> {
        let request = ListAuditEventsRequest {
            page_size: 100,
            ..ListAuditEventsRequest::default()
        };
        let listed = self.admin.list_audit_events(self.served.as_admin(request));
        let mut events = listed.await.unwrap().into_inner().events;
        events.reverse();
        events
    }

    /// The same without what differs between runs.
    // What operators did; alerts are told of whenever the caretaker gets to them.
    async fn audit_text(&mut self) -> String {
        let mut events = self.audit().await;
        events.retain(|event| !event.action.starts_with("alert."));
        let line = |event: AuditEvent| {
            let AuditEvent {
                action,
                before,
                after,
                actor,
                ..
            } = event;
            format!("{action} by {actor}\n  before: {before}\n  after:  {after}")
        };
        events.into_iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

/// An order of one picture on the plan `free`.
fn order(owner: UserId, provider: &str, cost: i64) -> ReserveRequest {
    let amount = |meter: Meter, amount| Amount {
        meter: meter.into(),
        amount,
    };
    ReserveRequest {
        operation_id: Uuid::now_v7().to_string(),
        owner_id: owner.to_string(),
        tier: "free".to_owned(),
        amounts: vec![amount(Meter::Generations, 1), amount(Meter::Microusd, cost)],
        purpose: Some(Purpose {
            kind: "IMAGE".to_owned(),
            provider: provider.to_owned(),
            ..Purpose::default()
        }),
        ..ReserveRequest::default()
    }
}

/// A monthly budget of money.
fn budget(r#type: Type, value: &str, limit: i64) -> CreateBudgetRequest {
    CreateBudgetRequest {
        name: format!("{} {value}", r#type.as_str_name()),
        scope: Some(Scope {
            r#type: r#type.into(),
            value: value.to_owned(),
        }),
        window: Window::Month.into(),
        limit,
        ..CreateBudgetRequest::default()
    }
}

/// Used, reserved and remaining.
fn numbers(budget: &Budget) -> (i64, i64, i64) {
    let Limit {
        used,
        reserved,
        remaining,
        ..
    } = budget.standing.clone().unwrap();
    (used, reserved, remaining)
}

fn reason(status: Status) -> Reason {
    from_status(status).reason
}

/// A text with every id replaced.
fn without_ids(text: &str) -> String {
    let is_id = |word: &str| Uuid::try_parse(word).is_ok_and(|id| id.get_version_num() == 7);
    let words = text.split_inclusive(|one: char| !(one.is_ascii_alphanumeric() || one == '-'));
    let word = |word: &str| match word.get(..36) {
        Some(id) if is_id(id) => format!("<id>{}", &word[36..]),
        _ => word.to_owned(),
    };
    words.map(word).collect()
}
