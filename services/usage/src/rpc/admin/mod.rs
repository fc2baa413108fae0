//! The rpcs of `UsageAdminService`: each is read, done and answered in the file of its subject.

mod adjustments;
mod alerts;
mod audit;
mod budgets;
mod plans;
mod prices;
mod read;
mod reports;
mod reservations;
mod spending;

use std::sync::Arc;

use contracts::usage::v1::usage_admin_service_server::UsageAdminService;
use contracts::usage::v1::{
    AcknowledgeAlertRequest, AcknowledgeAlertResponse, CreateAdjustmentRequest,
    CreateAdjustmentResponse, CreateBudgetRequest, CreateBudgetResponse, CreatePriceRequest,
    CreatePriceResponse, DeleteBudgetRequest, DeleteBudgetResponse, DeletePlanRequest,
    DeletePlanResponse, GetBudgetRequest, GetBudgetResponse, GetPlanRequest, GetPlanResponse,
    GetSpendingRequest, GetSpendingResponse, ListAdjustmentsRequest, ListAdjustmentsResponse,
    ListAlertsRequest, ListAlertsResponse, ListAuditEventsRequest, ListAuditEventsResponse,
    ListBudgetsRequest, ListBudgetsResponse, ListPlansRequest, ListPlansResponse,
    ListPricesRequest, ListPricesResponse, ListReservationsRequest, ListReservationsResponse,
    PauseSpendingRequest, PauseSpendingResponse, PutPlanRequest, PutPlanResponse,
    RedeliverAlertRequest, RedeliverAlertResponse, ReportUsageRequest, ReportUsageResponse,
    ResolveReservationRequest, ResolveReservationResponse, ResumeSpendingRequest,
    ResumeSpendingResponse, RetirePriceRequest, RetirePriceResponse, UpdateBudgetRequest,
    UpdateBudgetResponse,
};
use tonic::{Request, Response, Status};

use crate::domain::alerts::Alerts;
use crate::domain::reports::Reports;
use crate::domain::rulebook::{Corrector, Rulebook};
use crate::domain::spending::Brake;

/// The rpcs.
#[derive(Clone)]
pub struct UsageAdminRpc {
    rulebook: Arc<Rulebook>,
    corrector: Arc<Corrector>,
    reports: Reports,
    alerts: Alerts,
    brake: Brake,
}

impl UsageAdminRpc {
    /// Serves these use cases.
    #[must_use]
    pub fn new(
        (rulebook, corrector): (Arc<Rulebook>, Arc<Corrector>),
        reports: Reports,
        alerts: Alerts,
        brake: Brake,
    ) -> Self {
        Self {
            rulebook,
            corrector,
            reports,
            alerts,
            brake,
        }
    }
}

#[tonic::async_trait]
impl UsageAdminService for UsageAdminRpc {
    async fn list_plans(
        &self,
        request: Request<ListPlansRequest>,
    ) -> Result<Response<ListPlansResponse>, Status> {
        let answer = plans::list(self, request).await?;
        Ok(Response::new(answer))
    }

    async fn get_plan(
        &self,
        request: Request<GetPlanRequest>,
    ) -> Result<Response<GetPlanResponse>, Status> {
        let answer = plans::get(self, request).await?;
        Ok(Response::new(answer))
    }

    async fn put_plan(
        &self,
        request: Request<PutPlanRequest>,
    ) -> Result<Response<PutPlanResponse>, Status> {
        let answer = plans::put(self, request).await?;
        Ok(Response::new(answer))
    }

    async fn delete_plan(
        &self,
        request: Request<DeletePlanRequest>,
    ) -> Result<Response<DeletePlanResponse>, Status> {
        let answer = plans::delete(self, request).await?;
        Ok(Response::new(answer))
    }

    async fn create_budget(
        &self,
        request: Request<CreateBudgetRequest>,
    ) -> Result<Response<CreateBudgetResponse>, Status> {
        let answer = budgets::create(self, request).await?;
        Ok(Response::new(answer))
    }

    async fn list_budgets(
        &self,
        request: Request<ListBudgetsRequest>,
    ) -> Result<Response<ListBudgetsResponse>, Status> {
        let answer = budgets::list(self, request).await?;
        Ok(Response::new(answer))
    }

    async fn get_budget(
        &self,
        request: Request<GetBudgetRequest>,
    ) -> Result<Response<GetBudgetResponse>, Status> {
        let answer = budgets::get(self, request).await?;
        Ok(Response::new(answer))
    }

    async fn update_budget(
        &self,
        request: Request<UpdateBudgetRequest>,
    ) -> Result<Response<UpdateBudgetResponse>, Status> {
        let answer = budgets::update(self, request).await?;
        Ok(Response::new(answer))
    }

    async fn delete_budget(
        &self,
        request: Request<DeleteBudgetRequest>,
    ) -> Result<Response<DeleteBudgetResponse>, Status> {
        let answer = budgets::delete(self, request).await?;
        Ok(Response::new(answer))
    }

    async fn create_price(
        &self,
        request: Request<CreatePriceRequest>,
    ) -> Result<Response<CreatePriceResponse>, Status> {
        let answer = prices::create(self, request).await?;
        Ok(Response::new(answer))
    }

    async fn list_prices(
        &self,
        request: Request<ListPricesRequest>,
    ) -> Result<Response<ListPricesResponse>, Status> {
        let answer = prices::list(self, request).await?;
        Ok(Response::new(answer))
    }

    async fn retire_price(
        &self,
        request: Request<RetirePriceRequest>,
    ) -> Result<Response<RetirePriceResponse>, Status> {
        let answer = prices::retire(self, request).await?;
        Ok(Response::new(answer))
    }

    async fn create_adjustment(
        &self,
        request: Request<CreateAdjustmentRequest>,
    ) -> Result<Response<CreateAdjustmentResponse>, Status> {
        let answer = adjustments::create(self, request).await?;
        Ok(Response::new(answer))
    }

    async fn list_adjustments(
        &self,
        request: Request<ListAdjustmentsRequest>,
    ) -> Result<Response<ListAdjustmentsResponse>, Status> {
        let answer = adjustments::list(self, request).await?;
        Ok(Response::new(answer))
    }

    async fn list_alerts(
        &self,
        request: Request<ListAlertsRequest>,
    ) -> Result<Response<ListAlertsResponse>, Status> {
        let answer = alerts::list(self, request).await?;
        Ok(Response::new(answer))
    }

    async fn acknowledge_alert(
        &self,
        request: Request<AcknowledgeAlertRequest>,
    ) -> Result<Response<AcknowledgeAlertResponse>, Status> {
        let answer = alerts::acknowledge(self, request).await?;
        Ok(Response::new(answer))
    }

    async fn redeliver_alert(
        &self,
        request: Request<RedeliverAlertRequest>,
    ) -> Result<Response<RedeliverAlertResponse>, Status> {
        let answer = alerts::redeliver(self, request).await?;
        Ok(Response::new(answer))
    }

    async fn get_spending(
        &self,
        request: Request<GetSpendingRequest>,
    ) -> Result<Response<GetSpendingResponse>, Status> {
        let answer = spending::get(self, request).await?;
        Ok(Response::new(answer))
    }

    async fn pause_spending(
        &self,
        request: Request<PauseSpendingRequest>,
    ) -> Result<Response<PauseSpendingResponse>, Status> {
        let answer = spending::pause(self, request).await?;
        Ok(Response::new(answer))
    }

    async fn resume_spending(
        &self,
        request: Request<ResumeSpendingRequest>,
    ) -> Result<Response<ResumeSpendingResponse>, Status> {
        let answer = spending::resume(self, request).await?;
        Ok(Response::new(answer))
    }

    async fn list_reservations(
        &self,
        request: Request<ListReservationsRequest>,
    ) -> Result<Response<ListReservationsResponse>, Status> {
        let answer = reservations::list(self, request).await?;
        Ok(Response::new(answer))
    }

    async fn resolve_reservation(
        &self,
        request: Request<ResolveReservationRequest>,
    ) -> Result<Response<ResolveReservationResponse>, Status> {
        let answer = reservations::resolve(self, request).await?;
        Ok(Response::new(answer))
    }

    async fn report_usage(
        &self,
        request: Request<ReportUsageRequest>,
    ) -> Result<Response<ReportUsageResponse>, Status> {
        let answer = reports::report(self, request).await?;
        Ok(Response::new(answer))
    }

    async fn list_audit_events(
        &self,
        request: Request<ListAuditEventsRequest>,
    ) -> Result<Response<ListAuditEventsResponse>, Status> {
        let answer = audit::list(self, request).await?;
        Ok(Response::new(answer))
    }
}
