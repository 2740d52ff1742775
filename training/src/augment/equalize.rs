//! Histogram equalization, as in Pillow's `ImageOps.equalize` and torchvision's `equalize`.

/// Writes `image` to `output` with its levels spread so that all are about equally frequent.
///
/// By Pillow's rule, the count of the brightest level is not part of the step. An image with only one or two levels stays
/// unchanged.
pub(super) fn equalize(image: &[u8], output: &mut [u8]) {
    let mut histogram = [0_usize; 256];
    for &pixel in image {
        histogram[usize::from(pixel)] += 1;
    }
    let last = histogram.iter().rev().find(|&&n| n > 0).copied();
    let step = (image.len() - last.unwrap_or(0)) / 255;
    if step == 0 {
        output.copy_from_slice(image);
        return;
    }
    let mut sum = step / 2;
    let mut table = [0_u8; 256];
    for (entry, n) in table.iter_mut().zip(histogram) {
        *entry = (sum / step).min(255) as u8;
        sum += n;
    }
    for (output, &pixel) in output.iter_mut().zip(image) {
        *output = table[usize::from(pixel)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By Pillow's published rule: step = (n - count of the last value) // 255, entry i = (step // 2 + count of all
    /// values below i) // step.
    #[test]
    fn follows_pillows_rule() {
        // 2,304 pixels: 1,000 of 10, 304 of 20, 500 of 30 and 500 of 200; step = (2304 - 500) / 255 = 7.
        let image: Vec<u8> = [(10, 1000), (20, 304), (30, 500), (200, 500)]
            .into_iter()
            .flat_map(|(value, n)| vec![value; n])
            .collect();
        let mut output = vec![0; image.len()];
        equalize(&image, &mut output);
        let expected = [0, (3 + 1000) / 7, (3 + 1304) / 7, 255];
        for (at, expected) in [0, 1000, 1304, 1804].into_iter().zip(expected) {
            assert_eq!(usize::from(output[at]), expected, "pixel {at}");
        }
    }

    #[test]
    fn a_constant_image_stays_unchanged() {
        let mut output = [0; 2304];
        equalize(&[77; 2304], &mut output);
        assert_eq!(output, [77; 2304]);
    }
}
