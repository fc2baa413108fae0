//! `bottega.auth.v1.UserAdminService`.

use contracts::auth::v1::user_admin_service_server::UserAdminService;
use contracts::auth::v1::{
    GetUserRequest, GetUserResponse, ListUserAuditEventsRequest, ListUserAuditEventsResponse,
    ListUsersRequest, ListUsersResponse, UpdateUserRequest, UpdateUserResponse,
};
use errors::Fault;
use identity::caller_of;
use tonic::{Request, Response, Status};

use super::convert_admin as convert;
use crate::domain::UserAdmin;

/// The service's rpcs.
pub struct UserAdminRpc(pub UserAdmin);

#[tonic::async_trait]
impl UserAdminService for UserAdminRpc {
    async fn list_users(
        &self,
        request: Request<ListUsersRequest>,
    ) -> Result<Response<ListUsersResponse>, Status> {
        let (email, page) = convert::list(request.get_ref())?;
        let page = self.0.list(email.as_ref(), page).await;
        let page = page.map_err(Fault::from)?;
        Ok(Response::new(ListUsersResponse {
            users: page.items.into_iter().map(Into::into).collect(),
            next_page_token: page.next_token,
        }))
    }

    async fn get_user(
        &self,
        request: Request<GetUserRequest>,
    ) -> Result<Response<GetUserResponse>, Status> {
        let id = convert::user_id(&request.get_ref().id)?;
        let user = self.0.get(id).await.map_err(Fault::from)?;
        Ok(Response::new(GetUserResponse {
            user: Some(user.into()),
        }))
    }

    async fn update_user(
        &self,
        request: Request<UpdateUserRequest>,
    ) -> Result<Response<UpdateUserResponse>, Status> {
        let actor = caller_of(&request)?.owner()?;
        let (id, plan) = convert::update(request.get_ref())?;
        let user = self.0.move_to(actor, id, plan).await;
        Ok(Response::new(UpdateUserResponse {
            user: Some(user.map_err(Fault::from)?.into()),
        }))
    }

    async fn list_user_audit_events(
        &self,
        request: Request<ListUserAuditEventsRequest>,
    ) -> Result<Response<ListUserAuditEventsResponse>, Status> {
        let (id, page) = convert::audit(request.get_ref())?;
        let page = self.0.audit(id, page).await.map_err(Fault::from)?;
        Ok(Response::new(ListUserAuditEventsResponse {
            events: page.items.into_iter().map(Into::into).collect(),
            next_page_token: page.next_token,
        }))
    }
}
