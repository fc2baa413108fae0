//! Plans.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contracts::usage::v1::plan::Allowance;
use contracts::usage::v1::{
    DeletePlanRequest, DeletePlanResponse, GetPlanRequest, GetPlanResponse, ListPlansRequest,
    ListPlansResponse, Plan as WirePlan, PutPlanRequest, PutPlanResponse,
};
use errors::{Fault, Violations};
use tonic::Request;

use super::{UsageAdminRpc, read};
use crate::domain::plan::{Limit, NAME_RULE, Plan, is_name};
use crate::domain::rulebook::Origin;
use crate::rpc::convert;

const MAX_LIMITS: usize = 20;

pub(super) async fn list(
    rpc: &UsageAdminRpc,
    request: Request<ListPlansRequest>,
) -> Result<ListPlansResponse, Fault> {
    let request = request.get_ref();
    let mut violations = Violations::new();
    let page = read::page(request.page_size, "", &mut violations);
    let after = match request.page_token.as_str() {
        "" => Some(String::new()),
        token => last_name(token),
    };
    let problem = "must be the nextPageToken of the page before";
    violations.check(after.is_some(), "pageToken", problem);
    let (Some(page), Some(after)) = (page, after) else {
        return Err(violations.into_fault());
    };
    let size = usize::try_from(page.size).unwrap_or(usize::MAX);
    let mut plans = rpc.rulebook.plans().await?;
    plans.retain(|one| one.plan().name() > after.as_str());
    let has_more = plans.len() > size;
    plans.truncate(size);
    let last = plans.last().filter(|_| has_more);
    Ok(ListPlansResponse {
        next_page_token: last.map_or_else(String::new, |one| token_of(one.plan().name())),
        plans: plans.into_iter().map(WirePlan::from).collect(),
    })
}

// The last name of a page: the next one begins after it.
fn token_of(name: &str) -> String {
    URL_SAFE_NO_PAD.encode(name)
}

fn last_name(token: &str) -> Option<String> {
    let name = String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?;
    is_name(&name).then_some(name)
}

pub(super) async fn get(
    rpc: &UsageAdminRpc,
    request: Request<GetPlanRequest>,
) -> Result<GetPlanResponse, Fault> {
    let plan = rpc.rulebook.plan(&request.get_ref().name).await?;
    Ok(GetPlanResponse {
        plan: Some(plan.into()),
    })
}

pub(super) async fn put(
    rpc: &UsageAdminRpc,
    request: Request<PutPlanRequest>,
) -> Result<PutPlanResponse, Fault> {
    let actor = read::actor(&request)?;
    let plan = plan(request.get_ref())?;
    let written = rpc.rulebook.put_plan(&plan, &actor).await?;
    Ok(PutPlanResponse {
        plan: Some(written.into()),
    })
}

pub(super) async fn delete(
    rpc: &UsageAdminRpc,
    request: Request<DeletePlanRequest>,
) -> Result<DeletePlanResponse, Fault> {
    let actor = read::actor(&request)?;
    let DeletePlanRequest { name, force } = request.get_ref();
    rpc.rulebook.delete_plan(name, *force, &actor).await?;
    Ok(DeletePlanResponse {})
}

fn plan(request: &PutPlanRequest) -> Result<Plan, Fault> {
    let mut violations = Violations::new();
    let name = format!("must be {NAME_RULE}");
    violations.check(is_name(&request.name), "name", name);
    let few = (1..=MAX_LIMITS).contains(&request.limits.len());
    violations.check(few, "limits", format!("must be 1 to {MAX_LIMITS}"));
    let mut limits: Vec<Limit> = Vec::new();
    for (index, wire) in request.limits.iter().enumerate() {
        let field = |name: &str| format!("limits[{index}].{name}");
        let meter = read::counted_meter(wire.meter, &field("meter"), &mut violations);
        let window = read::window(wire.window, &field("window"), &mut violations);
        read::check_limit(wire.limit, &field("limit"), &mut violations);
        let (Some(meter), Some(window)) = (meter, window) else {
            continue;
        };
        let max = wire.limit;
        let limit = Limit { meter, window, max };
        let is_new = !limits.iter().any(|other| other.is_beside(&limit));
        let problem = "must not repeat a meter and window";
        violations.check(is_new, &format!("limits[{index}]"), problem);
        limits.push(limit);
    }
    violations.finish()?;
    Plan::new(&request.name, limits).map_err(|wrong| Fault::field("limits", wrong.to_string()))
}

impl From<Origin> for WirePlan {
    fn from(origin: Origin) -> Self {
        let plan = origin.plan();
        let allowance = |limit: &Limit| Allowance {
            meter: convert::wire_meter(limit.meter).into(),
            window: convert::wire_window(limit.window).into(),
            limit: limit.max,
        };
        let bare = Self {
            name: plan.name().to_owned(),
            limits: plan.limits().iter().map(allowance).collect(),
            configured: true,
            ..Self::default()
        };
        match origin {
            Origin::Configured(_) => bare,
            Origin::Written(written) => Self {
                configured: false,
                created_at: Some(written.created_at.into()),
                updated_at: Some(written.updated_at.into()),
                created_by: written.created_by,
                updated_by: written.updated_by,
                ..bare
            },
        }
    }
}
