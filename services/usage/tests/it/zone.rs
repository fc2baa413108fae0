//! Books are counted by one time zone.

use std::sync::Arc;

use testkit::{ManualClock, TestDb, TestIssuer};
use types::Timestamp;
use usage::{App, Config, StartError};

use crate::keeper::Records;
use crate::served::configure;

async fn start(config: Config) -> Result<App, StartError> {
    let clock = Arc::new(ManualClock::new(Timestamp(0)));
    let keepers = Arc::new(Records::default());
    App::build_with(config, TestIssuer::new().verifier(), clock, keepers).await
}

#[tokio::test]
async fn another_time_zone_is_refused_until_it_is_changed() {
    for test in TestDb::both("usage").await {
        let utc = || configure(&test, &[]);
        let berlin = || configure(&test, &[("BOTTEGA_USAGE_TIME_ZONE", "Europe/Berlin")]);
        start(utc()).await.unwrap();
        start(utc()).await.unwrap();
        let refused = start(berlin()).await.err().unwrap().to_string();
        assert!(
            refused.contains("UTC") && refused.contains("Europe/Berlin"),
            "{refused}"
        );
        assert!(refused.contains("change-time-zone"), "{refused}");
        assert!(usage::reconcile(&berlin()).await.is_err());

        let before = usage::change_time_zone(&berlin()).await.unwrap();
        assert_eq!(before.as_deref(), Some("UTC"));
        start(berlin()).await.unwrap();
        assert!(usage::reconcile(&berlin()).await.unwrap().is_clean());
        assert!(start(utc()).await.is_err());
    }
}
