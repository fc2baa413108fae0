//! What operators may: find users, move them to other plans, and see who did.

use std::time::Duration;

use contracts::auth::v1::{
    AuditEvent, GetUserRequest, IssueServiceTokenRequest, ListUserAuditEventsRequest,
    ListUserAuditEventsResponse, ListUsersRequest, ListUsersResponse, UpdateUserRequest, User,
    user,
};
use errors::Reason;
use testkit::TestDb;
use tonic::Status;

use crate::support::{
    ADMIN, Auth, EMAIL, NOBODY, SECRET, claims_of, config_of, count, execute, fault_of, reason_of,
    with_token,
};

async fn get(auth: &Auth, token: &str, id: &str) -> Result<User, Status> {
    let request = GetUserRequest { id: id.to_owned() };
    let answer = auth.admin().get_user(with_token(request, token)).await?;
    Ok(answer.into_inner().user.unwrap())
}

async fn list(
    auth: &Auth,
    token: &str,
    request: ListUsersRequest,
) -> Result<ListUsersResponse, Status> {
    let answer = auth.admin().list_users(with_token(request, token)).await?;
    Ok(answer.into_inner())
}

async fn audit(
    auth: &Auth,
    token: &str,
    request: ListUserAuditEventsRequest,
) -> Result<ListUserAuditEventsResponse, Status> {
    let request = with_token(request, token);
    let answer = auth.admin().list_user_audit_events(request).await?;
    Ok(answer.into_inner())
}

async fn events_of(auth: &Auth, token: &str, id: &str) -> Vec<AuditEvent> {
    let request = ListUserAuditEventsRequest {
        id: id.to_owned(),
        page_size: 100,
        page_token: String::new(),
    };
    audit(auth, token, request).await.unwrap().events
}

fn fields_of<T: std::fmt::Debug>(answer: Result<T, Status>) -> Vec<String> {
    let fault = fault_of(answer);
    assert_eq!(fault.reason, Reason::InvalidField);
    fault.violations.into_iter().map(|one| one.field).collect()
}

#[tokio::test]
async fn a_user_is_moved_and_the_next_token_says_so() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (_, roots) = auth.register(ADMIN).await;
        let (user, first) = auth.register(EMAIL).await;
        assert_eq!(
            (user.plan.as_str(), user.tier()),
            ("free", user::Tier::Free)
        );
        let (other, _) = auth.register("eve@example.com").await;
        let mut refresh = first.refresh_token.clone();
        let longest = "x".repeat(32);
        for (plan, tier) in [
            ("pro", user::Tier::Pro),
            ("basic", user::Tier::Basic),
            ("team_2-b", user::Tier::Unspecified),
            (longest.as_str(), user::Tier::Unspecified),
            ("free", user::Tier::Free),
        ] {
            let moved = auth.move_to(&roots.access_token, &user.id, plan).await;
            let moved = moved.unwrap();
            assert_eq!(
                (moved.plan.as_str(), moved.tier()),
                (plan, tier),
                "{}",
                db.name()
            );
            let wanted = User {
                plan: plan.to_owned(),
                tier: tier.into(),
                ..user.clone()
            };
            assert_eq!(moved, wanted, "nothing else changed");
            assert_eq!(auth.me(&first.access_token).await.unwrap(), wanted);
            assert_eq!(
                get(&auth, &roots.access_token, &user.id).await.unwrap(),
                wanted
            );
            let tokens = auth.refresh(&refresh).await.unwrap();
            assert_eq!(claims_of(&tokens.access_token)["tier"], plan);
            refresh = tokens.refresh_token;
        }
        assert_eq!(claims_of(&first.access_token)["tier"], "free");
        assert_eq!(
            get(&auth, &roots.access_token, &other.id).await.unwrap(),
            other
        );
        auth.stop().await;
    }
}

#[tokio::test]
async fn every_change_leaves_a_record_and_no_change_leaves_none() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (root, roots) = auth.register(ADMIN).await;
        let token = roots.access_token.as_str();
        let (user, first) = auth.register(EMAIL).await;
        let by = |who: &str| format!("SELECT COUNT(*) FROM users WHERE updated_by = '{who}'");
        assert_eq!(count(&db, &by(&user.id)).await, 1);
        assert_eq!(events_of(&auth, token, &user.id).await, []);
        for plan in ["pro", "pro", "team"] {
            auth.clock.advance(Duration::from_secs(1));
            auth.move_to(token, &user.id, plan).await.unwrap();
        }
        let events = events_of(&auth, token, &user.id).await;
        let told: Vec<_> = (events.iter())
            .map(|event| (event.before.as_str(), event.after.as_str()))
            .collect();
        let (free, pro, team) = (
            r#"{"plan":"free"}"#,
            r#"{"plan":"pro"}"#,
            r#"{"plan":"team"}"#,
        );
        assert_eq!(told, [(pro, team), (free, pro)], "{}", db.name());
        for event in &events {
            let facts = (
                event.actor.as_str(),
                event.target.as_str(),
                event.action.as_str(),
            );
            assert_eq!(facts, (root.id.as_str(), user.id.as_str(), "user.update"));
        }
        let apart = events[0].created_at.unwrap().seconds - events[1].created_at.unwrap().seconds;
        assert_eq!(apart, 2, "the repeated call is no event");

        assert_eq!(count(&db, &by(&root.id)).await, 2, "root and the user");
        auth.rename(&first.access_token, "Ada King").await.unwrap();
        assert_eq!(count(&db, &by(&user.id)).await, 1);
        let delete = format!("DELETE FROM users WHERE email = '{EMAIL}'");
        execute(&db, &delete).await.unwrap();
        assert_eq!(
            events_of(&auth, token, &user.id).await,
            events,
            "the record stays"
        );
        auth.stop().await;
    }
}

#[tokio::test]
async fn twenty_changes_at_once_make_one_chain() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (_, roots) = auth.register(ADMIN).await;
        let token = roots.access_token.as_str();
        let (user, _) = auth.register(EMAIL).await;
        let other = match db.name() {
            "postgres" => Auth::start_at(config_of(&db), auth.clock.clone())
                .await
                .ok(),
            _ => None,
        };
        let replicas = [&auth, other.as_ref().unwrap_or(&auth)];
        let id = user.id.as_str();
        let plans: Vec<String> = (0..20).map(|number| format!("plan-{number}")).collect();
        let moves = plans.iter().enumerate();
        let moves = moves.map(|(number, plan)| replicas[number % 2].move_to(token, id, plan));
        for moved in futures::future::join_all(moves).await {
            moved.unwrap();
        }
        let events = events_of(&auth, token, id).await;
        assert_eq!(events.len(), 20, "{}", db.name());
        assert_eq!(events[19].before, r#"{"plan":"free"}"#);
        for pair in events.windows(2) {
            assert_eq!(pair[0].before, pair[1].after, "{}", db.name());
        }
        let last = get(&auth, token, id).await.unwrap().plan;
        assert_eq!(events[0].after, format!(r#"{{"plan":"{last}"}}"#));
        for one in other.into_iter().chain([auth]) {
            one.stop().await;
        }
    }
}

#[tokio::test]
async fn users_are_listed_newest_first_and_found_by_address() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (root, roots) = auth.register(ADMIN).await;
        let token = roots.access_token.as_str();
        let (ada, _) = auth.register(EMAIL).await;
        let (eve, _) = auth.register("eve@example.com").await;
        let page = |page_size, page_token: &str| ListUsersRequest {
            email: String::new(),
            page_size,
            page_token: page_token.to_owned(),
        };
        let first = list(&auth, token, page(2, "")).await.unwrap();
        assert_eq!(first.users, [eve, ada.clone()], "{}", db.name());
        let second = list(&auth, token, page(2, &first.next_page_token))
            .await
            .unwrap();
        assert_eq!(
            (second.users, second.next_page_token.as_str()),
            (vec![root], "")
        );
        assert_eq!(
            list(&auth, token, page(0, "")).await.unwrap().users.len(),
            3
        );

        for (email, found) in [(" ADA@example.com", vec![ada]), ("ad@example.com", vec![])] {
            let request = ListUsersRequest {
                email: email.to_owned(),
                ..page(0, "")
            };
            let answer = list(&auth, token, request).await.unwrap();
            assert_eq!((answer.users, answer.next_page_token.as_str()), (found, ""));
        }
        auth.stop().await;
    }
}

#[tokio::test]
async fn records_come_in_pages() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (root, roots) = auth.register(ADMIN).await;
        let token = roots.access_token.as_str();
        let (user, _) = auth.register(EMAIL).await;
        auth.move_to(token, &root.id, "pro").await.unwrap();
        for plan in ["a", "b", "c"] {
            auth.move_to(token, &user.id, plan).await.unwrap();
        }
        let mut page_token = String::new();
        for plans in [vec!["c", "b"], vec!["a"]] {
            let request = ListUserAuditEventsRequest {
                id: user.id.clone(),
                page_size: 2,
                page_token,
            };
            let page = audit(&auth, token, request).await.unwrap();
            let after: Vec<_> = page
                .events
                .iter()
                .map(|event| event.after.as_str())
                .collect();
            let wanted: Vec<_> = plans
                .iter()
                .map(|plan| format!(r#"{{"plan":"{plan}"}}"#))
                .collect();
            assert_eq!(after, wanted, "{}", db.name());
            page_token = page.next_page_token;
        }
        assert_eq!(page_token, "");
        auth.stop().await;
    }
}

#[tokio::test]
async fn what_is_wrong_is_named_and_nothing_changes() {
    for db in TestDb::both("auth").await {
        let auth = Auth::start(&db).await;
        let (_, roots) = auth.register(ADMIN).await;
        let token = roots.access_token.as_str();
        let (user, _) = auth.register(EMAIL).await;
        let too_long = "x".repeat(33);
        for plan in ["", "Pro", "pro ", "a.b", "'; --", "plán", &too_long] {
            let moved = auth.move_to(token, &user.id, plan).await;
            assert_eq!(fields_of(moved), ["plan"], "{plan:?}");
        }
        let nothing = UpdateUserRequest {
            id: user.id.clone(),
            plan: None,
        };
        let nothing = auth.admin().update_user(with_token(nothing, token)).await;
        assert_eq!(fields_of(nothing), ["plan"]);
        assert_eq!(
            fields_of(auth.move_to(token, "me", "Pro").await),
            ["id", "plan"]
        );
        assert_eq!(fields_of(get(&auth, token, "me").await), ["id"]);
        let request = ListUsersRequest {
            email: "ada".to_owned(),
            page_size: -1,
            page_token: String::new(),
        };
        assert_eq!(
            fields_of(list(&auth, token, request).await),
            ["email", "pageSize"]
        );

        assert_eq!(reason_of(get(&auth, token, NOBODY).await), Reason::NotFound);
        let moved = auth.move_to(token, NOBODY, "pro").await;
        assert_eq!(reason_of(moved), Reason::NotFound);
        let request = ListUserAuditEventsRequest {
            id: NOBODY.to_owned(),
            ..ListUserAuditEventsRequest::default()
        };
        assert_eq!(
            reason_of(audit(&auth, token, request).await),
            Reason::NotFound
        );
        assert_eq!(
            get(&auth, token, &user.id).await.unwrap(),
            user,
            "{}",
            db.name()
        );
        assert_eq!(count(&db, "SELECT COUNT(*) FROM audit").await, 0);
        auth.stop().await;
    }
}

#[tokio::test]
async fn only_admins_may() {
    let db = TestDb::sqlite("auth").await;
    let auth = Auth::start(&db).await;
    let (user, tokens) = auth.register(EMAIL).await;
    let service = IssueServiceTokenRequest {
        service: "usage".to_owned(),
        secret: SECRET.to_owned(),
    };
    let service = auth.client().issue_service_token(service).await.unwrap();
    let service = service.into_inner().access_token;
    for (token, reason) in [
        (tokens.access_token.as_str(), Reason::PermissionDenied),
        (&service, Reason::PermissionDenied),
        ("", Reason::Unauthenticated),
    ] {
        let request = ListUserAuditEventsRequest {
            id: user.id.clone(),
            ..Default::default()
        };
        let refusals = [
            reason_of(auth.move_to(token, &user.id, "pro").await),
            reason_of(get(&auth, token, &user.id).await),
            reason_of(list(&auth, token, ListUsersRequest::default()).await),
            reason_of(audit(&auth, token, request).await),
        ];
        assert_eq!(refusals, [reason; 4]);
    }
    assert_eq!(auth.me(&tokens.access_token).await.unwrap(), user);
    auth.stop().await;
}
