//! Student's interval of a mean, with 95 % confidence.

/// The 97.5 % quantile of the normal distribution.
const NORMAL_QUANTILE: f64 = 1.959_963_984_540_054;

/// The 95 % confidence interval of the mean of `values`; `None` for fewer than two.
pub(super) fn interval(values: &[f64]) -> Option<(f64, f64)> {
    if values.len() < 2 {
        return None;
    }
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let deviation = (squares / (n - 1.0)).sqrt();
    let reach = t_quantile(values.len() - 1) * deviation / n.sqrt();
    Some((mean - reach, mean + reach))
}

/// The 97.5 % quantile of Student's t for these degrees of freedom, to six digits: Hill, Algorithm 396, Communications of
/// the ACM 13 (1970).
fn t_quantile(degrees: usize) -> f64 {
    const TAILS: f64 = 0.05;
    let n = degrees as f64;
    match degrees {
        0 => return f64::INFINITY,
        1 => return 1.0 / (TAILS * std::f64::consts::FRAC_PI_2).tan(),
        2 => return (2.0 / (TAILS * (2.0 - TAILS)) - 2.0).sqrt(),
        _ => {}
    }
    let a = 1.0 / (n - 0.5);
    let b = 48.0 / (a * a);
    let mut c = ((20_700.0 * a / b - 98.0) * a - 16.0) * a + 96.36;
    let d = ((94.5 / (b + c) - 3.0) / b + 1.0) * (a * std::f64::consts::FRAC_PI_2).sqrt() * n;
    let mut y = (d * TAILS).powf(2.0 / n);
    if y > 0.05 + a {
        let x = -NORMAL_QUANTILE;
        y = x * x;
        if degrees < 5 {
            c += 0.3 * (n - 4.5) * (x + 0.6);
        }
        c += (((0.05 * d * x - 5.0) * x - 7.0) * x - 2.0) * x + b;
        y = (((((0.4 * y + 6.3) * y + 36.0) * y + 94.5) / c - y - 3.0) / b + 1.0) * x;
        y = (a * y * y).exp_m1();
    } else {
        y = ((1.0 / (((n + 6.0) / (n * y) - 0.089 * d - 0.822) * (n + 2.0) * 3.0)
            + 0.5 / (n + 4.0))
            * y
            - 1.0)
            * (n + 1.0)
            / (n + 2.0)
            + 1.0 / y;
    }
    (n * y).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From tables of the distribution.
    #[test]
    fn quantiles_are_students() {
        for (degrees, expected) in [
            (1, 12.7062),
            (2, 4.3027),
            (3, 3.1824),
            (4, 2.7764),
            (5, 2.5706),
            (9, 2.2622),
            (30, 2.0423),
            (1000, 1.9623),
        ] {
            let t = t_quantile(degrees);
            assert!((t - expected).abs() < 2e-4, "{degrees}: {t}");
        }
    }

    /// As `t.test(c(0.1, 0.2, 0.4, 0.5))$conf.int` in R.
    #[test]
    fn the_interval_is_that_of_other_programs() {
        let (low, high) = interval(&[0.1, 0.2, 0.4, 0.5]).unwrap();
        assert!(
            (low - 0.009_477).abs() < 1e-4 && (high - 0.590_523).abs() < 1e-4,
            "{low} {high}"
        );
        assert_eq!(interval(&[0.1]), None);
    }
}
