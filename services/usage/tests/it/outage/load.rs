//! Callers that set aside and spend until they are told to stop, and remember what they were told.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use contracts::usage::v1::usage_service_client::UsageServiceClient;
use contracts::usage::v1::{ReserveResponse, SettleRequest};
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic::{Code, Response, Status};
use uuid::Uuid;

use super::owner;
use crate::served::{Served, ask};

const CALLERS: usize = 8;

/// What callers were told.
#[derive(Default)]
pub struct Seen {
    pub reserved: Vec<Uuid>,
    pub settled: Vec<Uuid>,
    pub refused: Vec<(Code, String)>,
}

impl Seen {
    pub fn calls(&self) -> usize {
        self.reserved.len() + self.settled.len() + self.refused.len()
    }

    fn refuse(&mut self, status: &Status) {
        self.refused.push((status.code(), format!("{status:?}")));
    }
}

pub struct Load {
    stop: Arc<AtomicBool>,
    callers: Vec<JoinHandle<Seen>>,
}

impl Load {
    pub fn start(served: &Arc<Served>) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let start = |_| tokio::spawn(call(Arc::clone(served), Arc::clone(&stop)));
        let callers = (0..CALLERS).map(start).collect();
        Self { stop, callers }
    }

    pub async fn stop(self) -> Seen {
        self.stop.store(true, Ordering::SeqCst);
        let mut all = Seen::default();
        for caller in self.callers {
            let seen = caller.await.unwrap();
            all.reserved.extend(seen.reserved);
            all.settled.extend(seen.settled);
            all.refused.extend(seen.refused);
        }
        all
    }
}

pub async fn reserve(
    served: &Served,
    mut client: UsageServiceClient<Channel>,
    id: Uuid,
) -> Result<Response<ReserveResponse>, Status> {
    let mut request = ask(owner(), 1);
    request.operation_id = id.to_string();
    client.reserve(served.as_service(request)).await
}

async fn call(served: Arc<Served>, stop: Arc<AtomicBool>) -> Seen {
    let (mut client, mut seen) = (served.client(), Seen::default());
    while !stop.load(Ordering::SeqCst) {
        let id = Uuid::now_v7();
        if let Err(status) = reserve(&served, client.clone(), id).await {
            seen.refuse(&status);
            tokio::time::sleep(Duration::from_millis(5)).await;
            continue;
        }
        seen.reserved.push(id);
        let settle = SettleRequest {
            reservation_id: id.to_string(),
            ..SettleRequest::default()
        };
        match client.settle(served.as_service(settle)).await {
            Ok(_) => seen.settled.push(id),
            Err(status) => seen.refuse(&status),
        }
    }
    seen
}
