//! The colours of a picture, from the time of day, the season and the colours the prompt names.

use super::color::{Color, WHITE, hex};
use super::random::Random;
use super::scene::{Scene, Time};
use super::words::Thing;

/// The colours of a picture.
#[derive(Debug, Clone)]
pub struct Palette {
    /// From the top of the sky to the horizon.
    pub sky: [Color; 4],
    /// Sun or moon.
    pub light: Color,
    /// What far things fade into.
    pub haze: Color,
    /// Ground close by.
    pub ground: Color,
    /// Leaves close by.
    pub leaf: Color,
    /// Rock.
    pub stone: Color,
    /// Deep water.
    pub water: Color,
    /// Snow in the light.
    pub snow: Color,
    /// Snow in the shade.
    pub snow_shade: Color,
    /// Lit windows and lamps.
    pub lamp: Color,
    /// The darkest silhouettes.
    pub ink: Color,
    /// What all light is coloured by: local colours are multiplied with it.
    pub ambient: Color,
    /// Walls, roofs, sails, petals: never empty.
    pub accents: Vec<Color>,
}

impl Palette {
    /// The colours for a scene.
    pub fn new(scene: &Scene) -> Self {
        let mut random = Random::new(scene.character).part("palette");
        let mut palette = match scene.time {
            Time::Dawn => dawn(),
            Time::Day => day(random.chance(0.5)),
            Time::Dusk => dusk(random.chance(0.4)),
            Time::Night => night(random.chance(0.35)),
        };
        palette.season(scene);
        palette.weather(scene);
        palette.named(&scene.reading.colors);
        palette
    }

    /// A thing's own colour in this light.
    pub fn lit(&self, own: Color) -> Color {
        Color {
            r: own.r * self.ambient.r,
            g: own.g * self.ambient.g,
            b: own.b * self.ambient.b,
        }
    }

    /// A colour at a distance: 0 is here, 1 the horizon.
    pub fn far(&self, color: Color, distance: f32) -> Color {
        color.mix(self.haze, distance.clamp(0.0, 1.0))
    }

    /// One of the accents.
    pub fn accent(&self, index: usize) -> Color {
        self.accents[index % self.accents.len()]
    }

    fn season(&mut self, scene: &Scene) {
        if scene.has(Thing::Autumn) {
            self.leaf = self.lit(hex(0xb8_5a26));
            self.ground = self.lit(hex(0xa0_7a3c));
        }
        if scene.has(Thing::Spring) {
            self.leaf = self.lit(hex(0xe8_a2b8));
            self.ground = self.lit(hex(0x88_ac5a));
        }
        if scene.has(Thing::Desert) {
            self.ground = self.lit(hex(0xdc_a567));
            self.stone = self.lit(hex(0xb0_6a48));
        }
        if scene.is_white() {
            self.ground = self.snow;
            self.leaf = self.leaf.mix(self.lit(hex(0x2c_4a50)), 0.6);
        }
    }

    fn weather(&mut self, scene: &Scene) {
        let grey = self.lit(hex(0x9a_a6b0));
        let amount = match () {
            () if scene.has(Thing::Storm) => 0.6,
            () if scene.has_any(&[Thing::Rain, Thing::Fog]) => 0.45,
            () if scene.is_white() => 0.18,
            () => 0.0,
        };
        let gloom = if scene.has(Thing::Storm) { 0.72 } else { 1.0 };
        for (index, stop) in self.sky.iter_mut().enumerate() {
            // The band above the horizon keeps its colour: that is where the light comes in.
            let share = if index == 3 { 0.5 } else { 1.0 };
            *stop = stop.mix(grey, amount * share).scale(gloom);
        }
        self.haze = self.haze.mix(grey, amount * 0.7).scale(gloom);
        self.ground = self.ground.scale(0.5 + 0.5 * gloom);
    }

    fn named(&mut self, colors: &[Color]) {
        let Some(&first) = colors.first() else {
            return;
        };
        let second = colors.get(1).copied().unwrap_or(first);
        let strength = [0.35, 0.5, 0.6, 0.6];
        for (stop, amount) in self.sky.iter_mut().zip(strength) {
            *stop = stop.tint(first, amount);
        }
        self.haze = self.haze.tint(first, 0.55);
        self.water = self.water.tint(first, 0.4);
        self.stone = self.stone.tint(second, 0.45);
        self.leaf = self
            .leaf
            .tint(second, if colors.len() > 1 { 0.4 } else { 0.2 });
        let named = colors.iter().map(|color| self.lit(*color));
        self.accents.splice(0..0, named.collect::<Vec<_>>());
    }

    fn with_accents(mut self) -> Self {
        let own = [
            0xe9_dcc3, 0xc9_6a4a, 0xd9_b26a, 0x7f_a3a8, 0xb9_5348, 0xe4_c9b6, 0x6f_8fa6,
        ];
        self.accents = own.iter().map(|code| self.lit(hex(*code))).collect();
        self
    }
}

fn base(sky: [u32; 4], land: [u32; 4], ambient: Color) -> Palette {
    let [haze, ground, leaf, stone] = land.map(hex);
    let lit = |color: Color| Color {
        r: color.r * ambient.r,
        g: color.g * ambient.g,
        b: color.b * ambient.b,
    };
    Palette {
        sky: sky.map(hex),
        light: hex(0xff_f0cc),
        haze,
        ground,
        leaf,
        stone,
        water: hex(0x1f_4a66).mix(hex(sky[1]), 0.35),
        snow: lit(hex(0xf4_f6fa)).mix(WHITE, 0.08),
        snow_shade: lit(hex(0xa9_bcd8)),
        lamp: hex(0xff_cb72),
        ink: hex(0x14_1a26).mix(hex(land[2]), 0.3),
        ambient,
        accents: Vec::new(),
    }
    .with_accents()
}

fn dawn() -> Palette {
    let sky = [0x6a_84b4, 0xab_a4cc, 0xf0_bfb6, 0xfd_e6c6];
    let land = [0xe8_ccc8, 0x86_966c, 0x4a_6258, 0x7a_7c9a];
    base(
        sky,
        land,
        Color {
            r: 0.97,
            g: 0.9,
            b: 0.92,
        },
    )
}

fn day(teal: bool) -> Palette {
    let land = [0xcb_dce2, 0x86_a552, 0x3e_6b45, 0x70_8298];
    let ambient = Color {
        r: 1.0,
        g: 0.99,
        b: 0.96,
    };
    if teal {
        return base([0x2f_8496, 0x6f_b7b6, 0xb9_dccb, 0xf6_ebcf], land, ambient);
    }
    base([0x3a_78b4, 0x78_b0d8, 0xb8_d8e6, 0xf2_ecd8], land, ambient)
}

fn dusk(violet: bool) -> Palette {
    let land = [0xe2_937c, 0x5a_4a44, 0x2c_3440, 0x6a_4c68];
    let ambient = Color {
        r: 0.88,
        g: 0.7,
        b: 0.68,
    };
    if violet {
        return base([0x23_2452, 0x5c_3f7e, 0xc0_6a92, 0xfb_b88c], land, ambient);
    }
    base([0x2c_3a66, 0x86_5478, 0xe2_7a62, 0xfc_cb82], land, ambient)
}

fn night(green: bool) -> Palette {
    let land = [0x38_5078, 0x1a_2940, 0x10_1d2e, 0x2a_3a5a];
    let ambient = Color {
        r: 0.4,
        g: 0.47,
        b: 0.68,
    };
    let sky = if green {
        [0x08_1528, 0x0f_2c44, 0x1d_4a5e, 0x3d_7078]
    } else {
        [0x0a_1030, 0x15_224c, 0x2a_3d6e, 0x50_6590]
    };
    let mut palette = base(sky, land, ambient);
    palette.light = hex(0xee_efdc);
    palette
}
