//! What only some models know: quality, background and masks; who is asked for them, and what a mask has to be.

use std::io::Cursor;
use std::sync::Arc;

use contracts::generation::v1::generation::Status as State;
use contracts::generation::v1::image_spec::{Background, Quality};
use contracts::generation::v1::route::rejected::Reason as Why;
use contracts::generation::v1::{CreateGenerationRequest, ListProvidersRequest};
use contracts::usage::v1::Price;
use contracts::usage::v1::quantity::Unit;
use errors::Reason;
use testkit::TestDb;

use crate::routing::entries;
use crate::support::suite::{Options, User, order};
use crate::support::{Scripted, Suite, on_both};

on_both!(
    what_few_know_is_asked_of_them_or_ignored,
    a_price_may_be_for_one_quality,
    a_mask_fits_its_picture,
    another_mask_makes_another_picture,
);

fn fine(prompt: &str) -> CreateGenerationRequest {
    let mut order = order(prompt);
    let image = order.image.as_mut().unwrap();
    image.quality = Quality::High.into();
    image.background = Background::Transparent.into();
    order
}

fn png(side: u32, with_alpha: bool) -> Vec<u8> {
    let picture = match with_alpha {
        true => image::DynamicImage::new_rgba8(side, side),
        false => image::DynamicImage::new_rgb8(side, side),
    };
    let mut png = Cursor::new(Vec::new());
    picture.write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

async fn two(db: TestDb) -> (Suite, Arc<Scripted>, Arc<Scripted>) {
    let plain = Arc::new(Scripted::new("plain", 5_000));
    let able = Arc::new(Scripted::new("able", 9_000).knowing_all());
    let suite = Suite::start(db, entries([&plain, &able]), Options::default()).await;
    (suite, plain, able)
}

async fn what_few_know_is_asked_of_them_or_ignored(db: TestDb) {
    let (suite, plain, able) = two(db).await;
    let user = suite.user();
    let made = user.create(fine("a fox")).await.unwrap();
    assert_eq!(made.provider, "plain");
    assert_eq!(made.ignored_parameters, ["quality", "background"]);
    user.finished(&made.id).await;
    let mut named = fine("a fox");
    named.image.as_mut().unwrap().provider = "able".to_owned();
    let made = user.create(named).await.unwrap();
    assert!(made.ignored_parameters.is_empty());
    let image = made.image.unwrap();
    assert_eq!(
        (image.quality(), image.background()),
        (Quality::High, Background::Transparent)
    );
    user.finished(&made.id).await;
    let sent = able.orders.lock().unwrap()[0].spec.finish;
    assert_eq!(sent.quality.unwrap().as_str(), "high");
    assert_eq!(plain.sends(), 1);
    let mut unheard = fine("a fox");
    unheard.image.as_mut().unwrap().background = 7;
    let fault = errors::from_status(user.create(unheard).await.unwrap_err());
    assert_eq!(fault.violations[0].field, "image.background");
    let request = user.request(ListProvidersRequest {});
    let listed = user.client.clone().list_providers(request).await.unwrap();
    let masks: Vec<bool> = (listed.into_inner().providers.iter())
        .map(|one| one.models[0].takes_masks)
        .collect();
    assert_eq!(masks, [true, false]);
}

async fn a_price_may_be_for_one_quality(db: TestDb) {
    let able = Arc::new(Scripted::new("able", 9_000).knowing_all());
    let suite = Suite::with(db, &able).await;
    let user = suite.user();
    let listed = |quality: &str, price_microusd| Price {
        provider: "able".to_owned(),
        model: "able-1".to_owned(),
        unit: Unit::Image.into(),
        quality: quality.to_owned(),
        price_microusd,
        ..Price::default()
    };
    user.create(fine("a fox")).await.unwrap();
    let asked = suite
        .peers
        .usage
        .asked
        .lock()
        .unwrap()
        .values()
        .next()
        .cloned();
    assert_eq!(asked.unwrap().work.quantities[0].quality, "high");
    *suite.peers.usage.prices.lock().unwrap() = vec![listed("high", 30_000), listed("", 7_000)];
    let mut suite = suite;
    suite.restart(Options::default()).await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let user = suite.user_again(user.id);
    let price = async |order| {
        let route = user.create(order).await.unwrap().route.unwrap();
        route.chosen.unwrap().price_microusd
    };
    assert_eq!(
        (price(fine("a fox")).await, price(order("a fox")).await),
        (30_000, 7_000)
    );
}

async fn refused(user: &User, order: CreateGenerationRequest) -> (Reason, String) {
    let fault = errors::from_status(user.create(order).await.unwrap_err());
    let said = fault.violations.first().map(|one| one.description.clone());
    let fields = fault.violations.iter();
    assert!(
        fields.clone().all(|one| one.field == "image.maskFileId"),
        "{fault:?}"
    );
    (fault.reason, said.unwrap_or(fault.message))
}

async fn a_mask_fits_its_picture(db: TestDb) {
    let (suite, plain, able) = two(db).await;
    let user = suite.user();
    let keep = |bytes| suite.peers.keep(user.id, "image/png", bytes).to_string();
    let picture = keep(png(64, false));
    let mask = keep(png(64, true));
    let masked = |mask: &str| {
        let mut order = order("a fox");
        let image = order.image.as_mut().unwrap();
        image.input_file_ids = vec![picture.clone()];
        image.mask_file_id = mask.to_owned();
        order
    };
    // The cheaper one takes none.
    let made = user.create(masked(&mask)).await.unwrap();
    let route = made.route.clone().unwrap();
    assert_eq!(route.chosen.unwrap().provider, "able");
    assert_eq!(route.rejected[0].reason(), Why::Unfit);
    assert!(route.rejected[0].message.contains("image.maskFileId"));
    assert_eq!(made.image.unwrap().mask_file_id, mask);
    assert_eq!(user.finished(&made.id).await.status(), State::Completed);
    let sent = able.orders.lock().unwrap()[0].clone();
    assert_eq!((sent.inputs.len(), plain.sends()), (1, 0));
    assert_eq!(&sent.mask.unwrap().bytes[..], png(64, true));

    let jpeg = suite.peers.keep(user.id, "image/jpeg", png(64, true));
    let others = suite.user().id;
    let strange = suite.peers.keep(others, "image/png", png(64, true));
    for (mask, reason, said) in [
        (keep(png(32, true)), Reason::InvalidField, "64x64"),
        (jpeg.to_string(), Reason::InvalidField, "must be a PNG"),
        (keep(png(64, false)), Reason::InvalidField, "alpha"),
        ("mine".to_owned(), Reason::InvalidField, "UUID"),
        (strange.to_string(), Reason::NotFound, "image.maskFileId"),
    ] {
        let (found, told) = refused(&user, masked(&mask)).await;
        assert!(found == reason && told.contains(said), "{told}");
    }
    let mut alone = masked(&mask);
    alone.image.as_mut().unwrap().input_file_ids.clear();
    assert_eq!(refused(&user, alone).await.0, Reason::InvalidField);
    let mut named = masked(&mask);
    named.image.as_mut().unwrap().provider = "plain".to_owned();
    assert_eq!(refused(&user, named).await.1, "plain-1 takes no masks");
}

async fn another_mask_makes_another_picture(db: TestDb) {
    let (suite, ..) = two(db).await;
    let user = suite.user();
    let keep = |bytes| suite.peers.keep(user.id, "image/png", bytes).to_string();
    let picture = keep(png(64, false));
    let masked = |mask: Vec<u8>| {
        let mut order = order("a fox");
        let image = order.image.as_mut().unwrap();
        (image.input_file_ids, image.mask_file_id) = (vec![picture.clone()], keep(mask));
        image.seed = Some(7);
        order
    };
    let first = user.create(masked(png(64, true))).await.unwrap();
    user.finished(&first.id).await;
    // The same bytes in another file.
    assert!(user.create(masked(png(64, true))).await.unwrap().cached);
    let clear = image::DynamicImage::new_luma_a8(64, 64);
    let mut other = Cursor::new(Vec::new());
    clear.write_to(&mut other, image::ImageFormat::Png).unwrap();
    let made = user.create(masked(other.into_inner())).await.unwrap();
    assert!(!made.cached);
    let mut unmasked = masked(png(64, true));
    unmasked.image.as_mut().unwrap().mask_file_id.clear();
    assert!(!user.create(unmasked).await.unwrap().cached);
}
