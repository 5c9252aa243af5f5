//! Colours: CSS → sRGB, contrast (WCAG 2.2), and the CIELAB lightness that dark modes turn round.

use std::fmt;

/// A colour in sRGB.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Colour {
    /// Red, 0 to 255.
    pub red: u8,
    /// Green, 0 to 255.
    pub green: u8,
    /// Blue, 0 to 255.
    pub blue: u8,
    /// 0 is transparent, 1 opaque.
    pub alpha: f64,
}

impl fmt::Display for Colour {
    /// `#26231f`, or `#26231f80` where it lets something through.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02x}{:02x}{:02x}", self.red, self.green, self.blue)?;
        if self.alpha < 1.0 { write!(f, "{:02x}", byte(self.alpha * 255.0)) } else { Ok(()) }
    }
}

impl Colour {
    /// Nothing at all.
    pub const TRANSPARENT: Self = Self { red: 0, green: 0, blue: 0, alpha: 0.0 };

    /// An opaque colour, `0x26231f`.
    pub const fn rgb(code: u32) -> Self {
        let [_, red, green, blue] = code.to_be_bytes();
        Self { red, green, blue, alpha: 1.0 }
    }

    /// Reads a CSS colour: `#rgb`, `#rrggbb` and both with alpha, `rgb()`, `rgba()`, `hsl()`, `hsla()`, the names.
    pub fn parse(css: &str) -> Option<Self> {
        let css = css.trim().to_ascii_lowercase();
        if let Some(digits) = css.strip_prefix('#') {
            return hexadecimal(digits);
        }
        if css == "transparent" {
            return Some(Self::TRANSPARENT);
        }
        if let Some((function, arguments)) = css.strip_suffix(')').and_then(|css| css.split_once('(')) {
            return functional(function, arguments);
        }
        NAMES.binary_search_by_key(&css.as_str(), |(name, _)| name).ok().map(|index| Self::rgb(NAMES[index].1))
    }

    /// What is seen of it before `behind`, which is opaque.
    #[must_use]
    pub fn over(self, behind: Self) -> Self {
        let mix = |front: u8, back: u8| byte(f64::from(front) * self.alpha + f64::from(back) * (1.0 - self.alpha));
        Self {
            red: mix(self.red, behind.red),
            green: mix(self.green, behind.green),
            blue: mix(self.blue, behind.blue),
            alpha: 1.0,
        }
    }

    /// Relative luminance, 0 to 1 (WCAG 2.2).
    pub fn luminance(self) -> f64 {
        let [red, green, blue] = [self.red, self.green, self.blue].map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// Contrast with another opaque colour, 1 to 21 (WCAG 2.2).
    pub fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    /// CIELAB lightness, 0 to 100.
    pub fn lightness(self) -> f64 {
        self.lab()[0]
    }

    /// The same hue at another CIELAB lightness, cut to what a screen can show.
    #[must_use]
    pub fn with_lightness(self, lightness: f64) -> Self {
        let [_, a, b] = self.lab();
        let y = (lightness + 16.0) / 116.0;
        let cube = |t: f64| if t > 6.0 / 29.0 { t.powi(3) } else { 3.0 * (6.0_f64 / 29.0).powi(2) * (t - 4.0 / 29.0) };
        let [x, y, z] = [WHITE[0] * cube(y + a / 500.0), cube(y), WHITE[2] * cube(y - b / 200.0)];
        let red = 3.2406 * x - 1.5372 * y - 0.4986 * z;
        let green = -0.9689 * x + 1.8758 * y + 0.0415 * z;
        let blue = 0.0557 * x - 0.2040 * y + 1.0570 * z;
        let [red, green, blue] = [red, green, blue].map(encoded);
        Self { red, green, blue, alpha: self.alpha }
    }

    /// Lightness, green to red, blue to yellow, under daylight (D65).
    fn lab(self) -> [f64; 3] {
        let [red, green, blue] = [self.red, self.green, self.blue].map(linear);
        let x = 0.4124 * red + 0.3576 * green + 0.1805 * blue;
        let y = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
        let z = 0.0193 * red + 0.1192 * green + 0.9505 * blue;
        let root = |t: f64| if t > (6.0_f64 / 29.0).powi(3) { t.cbrt() } else { t * (841.0 / 108.0) + 4.0 / 29.0 };
        let [x, y, z] = [root(x / WHITE[0]), root(y), root(z / WHITE[2])];
        [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
    }
}

/// Daylight, D65.
const WHITE: [f64; 3] = [0.9505, 1.0, 1.089];

/// A channel without its gamma.
fn linear(channel: u8) -> f64 {
    let channel = f64::from(channel) / 255.0;
    if channel <= 0.04045 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
}

/// A channel with its gamma.
fn encoded(linear: f64) -> u8 {
    let linear = linear.clamp(0.0, 1.0);
    byte(255.0 * if linear <= 0.003_130_8 { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 })
}

/// Rounds to 0 to 255.
fn byte(value: f64) -> u8 {
    // `as` saturates
    value.round() as u8
}

fn hexadecimal(digits: &str) -> Option<Colour> {
    let nibbles: Vec<u32> = digits.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
    let channels: Vec<u32> = match nibbles.len() {
        3 | 4 => nibbles.iter().map(|nibble| nibble * 17).collect(),
        6 | 8 => nibbles.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect(),
        _ => return None,
    };
    let channel = |index: usize| channels.get(index).and_then(|channel| u8::try_from(*channel).ok());
    let alpha = f64::from(channel(3).unwrap_or(255)) / 255.0;
    Some(Colour { red: channel(0)?, green: channel(1)?, blue: channel(2)?, alpha })
}

fn functional(function: &str, arguments: &str) -> Option<Colour> {
    let values: Vec<&str> = arguments.split([' ', ',', '/']).filter(|value| !value.is_empty()).collect();
    let [first, second, third, rest @ ..] = values.as_slice() else { return None };
    let alpha = rest.first().map_or(Some(1.0), |value| fraction(value, 1.0))?.clamp(0.0, 1.0);
    let channels = match function.trim() {
        "rgb" | "rgba" => [fraction(first, 255.0)?, fraction(second, 255.0)?, fraction(third, 255.0)?],
        "hsl" | "hsla" => {
            let degrees: f64 = first.trim_end_matches("deg").parse().ok()?;
            of_hue(degrees, fraction(second, 100.0)?, fraction(third, 100.0)?)
        }
        _ => return None,
    };
    let [red, green, blue] = channels.map(|channel| byte(channel * 255.0));
    Some(Colour { red, green, blue, alpha })
}

/// A number of `whole`, or a percentage, as a fraction.
fn fraction(value: &str, whole: f64) -> Option<f64> {
    match value.strip_suffix('%') {
        Some(percent) => percent.parse::<f64>().ok().map(|percent| percent / 100.0),
        None => value.parse::<f64>().ok().map(|number| number / whole),
    }
}

/// CSS Color 4 §7.1.
fn of_hue(degrees: f64, saturation: f64, lightness: f64) -> [f64; 3] {
    [0.0, 8.0, 4.0].map(|n: f64| {
        let k = (n + degrees / 30.0).rem_euclid(12.0);
        lightness - saturation * lightness.min(1.0 - lightness) * (k - 3.0).min(9.0 - k).clamp(-1.0, 1.0)
    })
}

/// The named colours (CSS Color 4 §6.1), sorted.
#[rustfmt::skip]
const NAMES: [(&str, u32); 148] = [
    ("aliceblue", 0xf0f8ff), ("antiquewhite", 0xfaebd7), ("aqua", 0x00ffff), ("aquamarine", 0x7fffd4),
    ("azure", 0xf0ffff), ("beige", 0xf5f5dc), ("bisque", 0xffe4c4), ("black", 0x000000), ("blanchedalmond", 0xffebcd),
    ("blue", 0x0000ff), ("blueviolet", 0x8a2be2), ("brown", 0xa52a2a), ("burlywood", 0xdeb887),
    ("cadetblue", 0x5f9ea0), ("chartreuse", 0x7fff00), ("chocolate", 0xd2691e), ("coral", 0xff7f50),
    ("cornflowerblue", 0x6495ed), ("cornsilk", 0xfff8dc), ("crimson", 0xdc143c), ("cyan", 0x00ffff),
    ("darkblue", 0x00008b), ("darkcyan", 0x008b8b), ("darkgoldenrod", 0xb8860b), ("darkgray", 0xa9a9a9),
    ("darkgreen", 0x006400), ("darkgrey", 0xa9a9a9), ("darkkhaki", 0xbdb76b), ("darkmagenta", 0x8b008b),
    ("darkolivegreen", 0x556b2f), ("darkorange", 0xff8c00), ("darkorchid", 0x9932cc), ("darkred", 0x8b0000),
    ("darksalmon", 0xe9967a), ("darkseagreen", 0x8fbc8f), ("darkslateblue", 0x483d8b), ("darkslategray", 0x2f4f4f),
    ("darkslategrey", 0x2f4f4f), ("darkturquoise", 0x00ced1), ("darkviolet", 0x9400d3), ("deeppink", 0xff1493),
    ("deepskyblue", 0x00bfff), ("dimgray", 0x696969), ("dimgrey", 0x696969), ("dodgerblue", 0x1e90ff),
    ("firebrick", 0xb22222), ("floralwhite", 0xfffaf0), ("forestgreen", 0x228b22), ("fuchsia", 0xff00ff),
    ("gainsboro", 0xdcdcdc), ("ghostwhite", 0xf8f8ff), ("gold", 0xffd700), ("goldenrod", 0xdaa520),
    ("gray", 0x808080), ("green", 0x008000), ("greenyellow", 0xadff2f), ("grey", 0x808080), ("honeydew", 0xf0fff0),
    ("hotpink", 0xff69b4), ("indianred", 0xcd5c5c), ("indigo", 0x4b0082), ("ivory", 0xfffff0), ("khaki", 0xf0e68c),
    ("lavender", 0xe6e6fa), ("lavenderblush", 0xfff0f5), ("lawngreen", 0x7cfc00), ("lemonchiffon", 0xfffacd),
    ("lightblue", 0xadd8e6), ("lightcoral", 0xf08080), ("lightcyan", 0xe0ffff), ("lightgoldenrodyellow", 0xfafad2),
    ("lightgray", 0xd3d3d3), ("lightgreen", 0x90ee90), ("lightgrey", 0xd3d3d3), ("lightpink", 0xffb6c1),
    ("lightsalmon", 0xffa07a), ("lightseagreen", 0x20b2aa), ("lightskyblue", 0x87cefa), ("lightslategray", 0x778899),
    ("lightslategrey", 0x778899), ("lightsteelblue", 0xb0c4de), ("lightyellow", 0xffffe0), ("lime", 0x00ff00),
    ("limegreen", 0x32cd32), ("linen", 0xfaf0e6), ("magenta", 0xff00ff), ("maroon", 0x800000),
    ("mediumaquamarine", 0x66cdaa), ("mediumblue", 0x0000cd), ("mediumorchid", 0xba55d3), ("mediumpurple", 0x9370db),
    ("mediumseagreen", 0x3cb371), ("mediumslateblue", 0x7b68ee), ("mediumspringgreen", 0x00fa9a),
    ("mediumturquoise", 0x48d1cc), ("mediumvioletred", 0xc71585), ("midnightblue", 0x191970), ("mintcream", 0xf5fffa),
    ("mistyrose", 0xffe4e1), ("moccasin", 0xffe4b5), ("navajowhite", 0xffdead), ("navy", 0x000080),
    ("oldlace", 0xfdf5e6), ("olive", 0x808000), ("olivedrab", 0x6b8e23), ("orange", 0xffa500),
    ("orangered", 0xff4500), ("orchid", 0xda70d6), ("palegoldenrod", 0xeee8aa), ("palegreen", 0x98fb98),
    ("paleturquoise", 0xafeeee), ("palevioletred", 0xdb7093), ("papayawhip", 0xffefd5), ("peachpuff", 0xffdab9),
    ("peru", 0xcd853f), ("pink", 0xffc0cb), ("plum", 0xdda0dd), ("powderblue", 0xb0e0e6), ("purple", 0x800080),
    ("rebeccapurple", 0x663399), ("red", 0xff0000), ("rosybrown", 0xbc8f8f), ("royalblue", 0x4169e1),
    ("saddlebrown", 0x8b4513), ("salmon", 0xfa8072), ("sandybrown", 0xf4a460), ("seagreen", 0x2e8b57),
    ("seashell", 0xfff5ee), ("sienna", 0xa0522d), ("silver", 0xc0c0c0), ("skyblue", 0x87ceeb),
    ("slateblue", 0x6a5acd), ("slategray", 0x708090), ("slategrey", 0x708090), ("snow", 0xfffafa),
    ("springgreen", 0x00ff7f), ("steelblue", 0x4682b4), ("tan", 0xd2b48c), ("teal", 0x008080), ("thistle", 0xd8bfd8),
    ("tomato", 0xff6347), ("turquoise", 0x40e0d0), ("violet", 0xee82ee), ("wheat", 0xf5deb3), ("white", 0xffffff),
    ("whitesmoke", 0xf5f5f5), ("yellow", 0xffff00), ("yellowgreen", 0x9acd32),
];

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::{Colour, NAMES};

    #[test]
    fn colours_are_read_as_browsers_read_them() {
        let same = |css: &str, expected: &str| assert_eq!(Colour::parse(css).unwrap().to_string(), expected, "{css}");
        same("#FFF", "#ffffff");
        same("#1234", "#11223344");
        same(" RebeccaPurple ", "#663399");
        same("rgb(38, 35, 31)", "#26231f");
        same("rgb(100% 0% 0% / 50%)", "#ff000080");
        same("hsl(213, 67%, 34%)", "#1d5191");
        assert_eq!(Colour::parse("transparent"), Some(Colour::TRANSPARENT));
        for wrong in ["", "#12", "#ggg", "rgb(1,2)", "currentcolor", "url(#fff)", "rgb(ä)"] {
            assert_eq!(Colour::parse(wrong), None, "{wrong}");
        }
        assert!(NAMES.is_sorted());
    }

    #[test]
    fn contrast_is_what_wcag_says() {
        let contrast = |one, two| Colour::rgb(one).contrast(Colour::rgb(two));
        assert!((contrast(0x000000, 0xffffff) - 21.0).abs() < 0.001);
        assert!((contrast(0x777777, 0xffffff) - 4.478).abs() < 0.001);
        assert!((contrast(0xffffff, 0x767676) - 4.542).abs() < 0.001);
    }

    #[test]
    fn lightness_goes_there_and_back() {
        for code in [0x000000, 0xffffff, 0x1d4f91, 0xd9d4cb, 0x8fbcf5, 0x808080] {
            let colour = Colour::rgb(code);
            let again = colour.with_lightness(colour.lightness());
            let near = |one: u8, two: u8| one.abs_diff(two) <= 1;
            assert!(near(colour.red, again.red) && near(colour.green, again.green) && near(colour.blue, again.blue));
        }
        assert!((Colour::rgb(0x333333).lightness() - 21.247).abs() < 0.01);
    }
}
