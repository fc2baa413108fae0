//! Budgets.

use contracts::usage::v1::{
    Budget as WireBudget, CreateBudgetRequest, CreateBudgetResponse, DeleteBudgetRequest,
    DeleteBudgetResponse, GetBudgetRequest, GetBudgetResponse, Limit, ListBudgetsRequest,
    ListBudgetsResponse, UpdateBudgetRequest, UpdateBudgetResponse,
};
use errors::{Fault, Violations};
use tonic::Request;

use super::{UsageAdminRpc, read};
use crate::domain::budget::{BudgetChange, NewBudget, USUAL_PERCENTS};
use crate::domain::meter::Meter;
use crate::domain::rulebook::BudgetStanding;
use crate::rpc::convert;

const NAME: (usize, usize) = (0, 100);
const MAX_PERCENT: i32 = 1_000;
const MAX_PERCENTS: usize = 10;

pub(super) async fn create(
    rpc: &UsageAdminRpc,
    request: Request<CreateBudgetRequest>,
) -> Result<CreateBudgetResponse, Fault> {
    let actor = read::actor(&request)?;
    let new = new_budget(request.into_inner())?;
    let made = rpc.rulebook.create_budget(new, &actor).await?;
    Ok(CreateBudgetResponse {
        budget: Some(made.into()),
    })
}

pub(super) async fn list(
    rpc: &UsageAdminRpc,
    request: Request<ListBudgetsRequest>,
) -> Result<ListBudgetsResponse, Fault> {
    let request = request.get_ref();
    let mut violations = Violations::new();
    let page = read::page(request.page_size, &request.page_token, &mut violations);
    let page = page.ok_or_else(|| violations.into_fault())?;
    let page = rpc.rulebook.budgets(page).await?;
    Ok(ListBudgetsResponse {
        budgets: page.items.into_iter().map(WireBudget::from).collect(),
        next_page_token: page.next_token,
    })
}

pub(super) async fn get(
    rpc: &UsageAdminRpc,
    request: Request<GetBudgetRequest>,
) -> Result<GetBudgetResponse, Fault> {
    let id = read::id(&request.get_ref().id)?;
    let budget = rpc.rulebook.budget(id).await?;
    Ok(GetBudgetResponse {
        budget: Some(budget.into()),
    })
}

pub(super) async fn update(
    rpc: &UsageAdminRpc,
    request: Request<UpdateBudgetRequest>,
) -> Result<UpdateBudgetResponse, Fault> {
    let actor = read::actor(&request)?;
    let request = request.into_inner();
    let id = read::id(&request.id)?;
    let change = change(request)?;
    let budget = rpc.rulebook.update_budget(id, &change, &actor).await?;
    Ok(UpdateBudgetResponse {
        budget: Some(budget.into()),
    })
}

pub(super) async fn delete(
    rpc: &UsageAdminRpc,
    request: Request<DeleteBudgetRequest>,
) -> Result<DeleteBudgetResponse, Fault> {
    let actor = read::actor(&request)?;
    let id = read::id(&request.get_ref().id)?;
    rpc.rulebook.delete_budget(id, &actor).await?;
    Ok(DeleteBudgetResponse {})
}

fn new_budget(request: CreateBudgetRequest) -> Result<NewBudget, Fault> {
    let mut violations = Violations::new();
    read::check_text(&request.name, NAME, "name", &mut violations);
    let scope = read::scope(request.scope, &mut violations);
    let meter = match request.meter {
        0 => Some(Meter::Microusd),
        wire => read::counted_meter(wire, "meter", &mut violations),
    };
    let window = read::window(request.window, "window", &mut violations);
    read::check_limit(request.limit, "limit", &mut violations);
    check_percents(&request.alert_percents, &mut violations);
    let (true, Some(scope), Some(meter), Some(window)) =
        (violations.is_empty(), scope, meter, window)
    else {
        return Err(violations.into_fault());
    };
    let alert_percents = match request.alert_percents {
        none if none.is_empty() => USUAL_PERCENTS.to_vec(),
        percents => percents,
    };
    Ok(NewBudget {
        name: request.name,
        scope,
        meter,
        window,
        limit: request.limit,
        is_hard: !request.soft,
        alert_percents,
    })
}

fn change(request: UpdateBudgetRequest) -> Result<BudgetChange, Fault> {
    let mut violations = Violations::new();
    if let Some(name) = &request.name {
        read::check_text(name, NAME, "name", &mut violations);
    }
    if let Some(limit) = request.limit {
        read::check_limit(limit, "limit", &mut violations);
    }
    check_percents(&request.alert_percents, &mut violations);
    violations.finish()?;
    Ok(BudgetChange {
        name: request.name,
        limit: request.limit,
        is_hard: request.soft.map(|soft| !soft),
        alert_percents: Some(request.alert_percents).filter(|percents| !percents.is_empty()),
    })
}

fn check_percents(percents: &[i32], violations: &mut Violations) {
    let in_bounds = percents.iter().all(|one| (1..=MAX_PERCENT).contains(one));
    let ascend = percents.is_sorted_by(|left, right| left < right);
    violations.check(
        in_bounds && ascend && percents.len() <= MAX_PERCENTS,
        "alertPercents",
        format!("must be at most {MAX_PERCENTS} numbers, ascending, 1 to {MAX_PERCENT}"),
    );
}

impl From<BudgetStanding> for WireBudget {
    fn from(one: BudgetStanding) -> Self {
        let BudgetStanding {
            budget,
            standing,
            forecast,
        } = one;
        Self {
            id: budget.id.to_string(),
            name: budget.name,
            scope: Some(convert::wire_scope(&budget.scope)),
            meter: convert::wire_meter(budget.meter).into(),
            window: convert::wire_window(budget.window).into(),
            limit: budget.limit,
            hard: budget.is_hard,
            alert_percents: budget.alert_percents,
            standing: Some(Limit::from(&standing)),
            forecast,
            created_at: Some(budget.created_at.into()),
            updated_at: Some(budget.updated_at.into()),
            created_by: budget.created_by,
            updated_by: budget.updated_by,
        }
    }
}
