//! The catalogue: what is in force is quoted, what was held is settled at its own price.

use contracts::policy::v1::policy::Meter;
use contracts::usage::v1::quantity::Unit;
use contracts::usage::v1::{
    Amount, CreatePriceRequest, GetPriceListRequest, ListPricesRequest, Price, Quantity,
    ReserveRequest, ReserveResponse, RetirePriceRequest, Work,
};
use errors::Reason;
use testkit::TestDb;
use tonic::Status;

use super::{Office, order, reason, without_ids};
use crate::served::ANNA;

impl Office {
    async fn price(&mut self, size: &str, price_microusd: i64) -> Price {
        let request = CreatePriceRequest {
            provider: "gemini".to_owned(),
            model: "banana".to_owned(),
            unit: Unit::Image.into(),
            size: size.to_owned(),
            price_microusd,
            ..CreatePriceRequest::default()
        };
        let made = self.admin.create_price(self.served.as_admin(request)).await;
        made.unwrap().into_inner().price.unwrap()
    }

    /// Sets the price of one picture aside.
    async fn priced(&mut self, list: Option<i64>) -> Result<ReserveResponse, Status> {
        let mut request: ReserveRequest = order(ANNA, "gemini", 0);
        request.amounts = vec![Amount {
            meter: Meter::Generations.into(),
            amount: 1,
        }];
        if let Some(purpose) = &mut request.purpose {
            purpose.model = "banana".to_owned();
        }
        request.work = Some(Work {
            quantities: vec![Quantity {
                unit: Unit::Image.into(),
                count: 1,
                size: "1024x1024".to_owned(),
                quality: String::new(),
            }],
            list_price_microusd: list,
            list_price_as_of: "2026-01-01".to_owned(),
            price_permille: None,
        });
        let made = self.usage.reserve(self.served.as_service(request)).await?;
        Ok(made.into_inner())
    }

    async fn prices(&mut self, include_retired: bool, provider: &str) -> Vec<Price> {
        let request = ListPricesRequest {
            include_retired,
            provider: provider.to_owned(),
            ..ListPricesRequest::default()
        };
        let listed = self.admin.list_prices(self.served.as_admin(request)).await;
        listed.unwrap().into_inner().prices
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story, told in its order")]
async fn a_prices_life() {
    for test in TestDb::both("usage").await {
        let mut office = Office::open(&test, "free:1000,basic:25,pro:100").await;
        let refused = office.priced(None).await.unwrap_err();
        assert_eq!(reason(refused), Reason::PriceUnknown);
        let list = office.priced(Some(7)).await.unwrap().price.unwrap();
        assert_eq!(
            (list.amount_microusd, &*list.price_version),
            (7, "list:2026-01-01")
        );

        let any = office.price("", 40_000).await;
        insta::assert_snapshot!("price", without_ids(&format!("{any:#?}")));
        let quoted = office.priced(Some(7)).await.unwrap().price.unwrap();
        assert_eq!(quoted.amount_microusd, 40_000);
        assert_eq!(quoted.price_version, format!("catalogue:{}", any.version));
        let exact = office.price("1024x1024", 39_000).await;
        assert!(exact.version > any.version);
        let held = office.priced(None).await.unwrap();
        assert_eq!(held.price.unwrap().amount_microusd, 39_000);

        // A new price takes the place of the old one; what was held at that one is settled at it.
        let newer = office.price("1024x1024", 45_000).await;
        assert_eq!(
            office
                .priced(None)
                .await
                .unwrap()
                .price
                .unwrap()
                .amount_microusd,
            45_000
        );
        let ids = |prices: Vec<Price>| prices.into_iter().map(|one| one.id).collect::<Vec<_>>();
        let in_force = office.prices(false, "").await;
        assert!(in_force.iter().all(|one| one.retired_at.is_none()));
        assert_eq!(ids(in_force), [newer.id.clone(), any.id.clone()]);
        let all = office.prices(true, "gemini").await;
        assert!(all[1].retired_at.is_some());
        assert_eq!(
            ids(all),
            [newer.id.clone(), exact.id.clone(), any.id.clone()]
        );
        assert!(office.prices(true, "flux").await.is_empty());
        let list = office.served.as_service(GetPriceListRequest::default());
        let list = office
            .usage
            .get_price_list(list)
            .await
            .unwrap()
            .into_inner();
        assert_eq!((list.version, list.prices.len()), (newer.version, 2));
        office.settle(&held.reservation_id, 39_000).await;

        for (id, gone) in [(&newer.id, false), (&any.id, false), (&exact.id, true)] {
            let request = office
                .served
                .as_admin(RetirePriceRequest { id: id.clone() });
            let retired = office.admin.retire_price(request).await;
            assert_eq!(retired.is_err(), gone);
        }
        let refused = office.priced(None).await.unwrap_err();
        assert_eq!(reason(refused), Reason::PriceUnknown);
        insta::assert_snapshot!("audit_of_prices", office.audit_text().await);
        office.served.stop().await;
    }
}

#[tokio::test]
async fn prices_come_in_pages() {
    for test in TestDb::both("usage").await {
        let mut office = Office::open(&test, "free:3,basic:25,pro:100").await;
        let mut made = Vec::new();
        for size in ["1x1", "2x2", "3x3", "4x4", "5x5"] {
            made.push(office.price(size, 7).await.id);
        }
        made.reverse();
        let (mut found, mut pages) = (Vec::new(), Vec::new());
        let mut page_token = String::new();
        loop {
            let request = office.served.as_admin(ListPricesRequest {
                page_size: 2,
                page_token,
                ..ListPricesRequest::default()
            });
            let page = office.admin.list_prices(request).await.unwrap();
            let page = page.into_inner();
            pages.push(page.prices.len());
            found.extend(page.prices.into_iter().map(|one| one.id));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!((found, pages), (made, vec![2, 2, 1]));
        office.served.stop().await;
    }
}
