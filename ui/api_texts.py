"""What the endpoints for programs say of themselves. English whatever the page's language is."""

TEXTS = {
    "page_title": "ColorizeDiffusion for programs",
    "page_intro": (
        "Calls wait in the same queue as the page's visitors; a full queue answers 503. What is wrong with an argument "
        "is said in one sentence. A caller that goes away ends its run. Also described by"
    ),
    "colorize": (
        "Colour a sketch in the colours of a reference picture. Returns a PNG file that carries its settings."
    ),
    "heatmap": (
        "Show which regions of a reference picture a text reaches, as edits by words would. Returns a PNG picture with "
        "its legend, and the same in numbers: the relevance (0 is related) and the band (0 to 4) of every token, row "
        "by row. Works with attention models only."
    ),
    "sketch": "Draw line art from a drawing, a scan, a painting or a photo. Returns a PNG, dark lines on white.",
    "sketch_meaning": "The line art to be coloured: a PNG, JPEG, WebP, AVIF, BMP, GIF or TIFF file up to 20 MB.",
    "reference_meaning": "The picture to take the colours from. Left out, the model chooses the colours.",
    "more_meaning": (
        "One more reference; the tokens of all count together. By settings: reference_weights, such as [1, 0.5], and "
        'reference_regions, the parts that count, such as [null, "++../++.."] with a row of the token grid each.'
    ),
    "gs_meaning": (
        "Reference guidance scale, {low:g} to {high:g}: higher takes colours more strongly from the reference, 1 is "
        "off. Left out: the model's own default, {default:g}."
    ),
    "sgs_meaning": (
        "Sketch guidance scale, {low:g} to {high:g}: higher keeps closer to the lines, 1 is off. "
        "Left out: the model's own default, {default:g}."
    ),
    "noise_level_meaning": (
        "Noise on the reference, {low:g} to {high:g}: higher borrows colours but less of the reference's shapes. "
        "Left out: the model's own default, {default:g}."
    ),
    "steps_meaning": (
        "Denoising steps, {low} to {high}: more are slower and a little cleaner. Left out: the model's own default, "
        "{default}."
    ),
    "seed_meaning": "The same seed and settings give the same picture. From 0 to 4294967295.",
    "size_meaning": "The longer side of the picture in pixels. Left out: what the model was trained on, {default}.",
    "preparation_meaning": (
        "How the picture becomes dark lines on white: as-is for a drawing on light paper, invert for one on a dark "
        "ground, extract for a painting or a photo, auto to choose between them."
    ),
    "edits_meaning": (
        "Edits of the reference by words, one a line: target=green hair; anchor=hair; control=the hair; scale=8. Only "
        "target is needed. Further keys: enhance=yes; ts=0.5,0.55,0.65,0.95; r=2; enabled=no."
    ),
    "settings_meaning": (
        'Any settings by their names in a picture\'s parameters, such as {{"sampler": "unipc", "schedule": "vp"}}. '
        "The other arguments come before them."
    ),
    "model_meaning": "A file of the checkpoints folder. Left out: {default}.",
    "heatmap_reference_meaning": "The reference picture: a PNG, JPEG, WebP, AVIF, BMP, GIF or TIFF file up to 20 MB.",
    "control_meaning": "The text that names a region, such as: the hair.",
    "threshold_meaning": (
        "One of the four thresholds of relevance between the five bands, increasing, between 0 and 1. Left out: "
        "{default:g}."
    ),
    "auto_meaning": "Propose the thresholds from the relevance itself instead.",
    "opacity_meaning": "Of the bands over the picture, 0 to 1.",
    "picture_meaning": "The picture to draw lines from: a PNG, JPEG, WebP, AVIF, BMP, GIF or TIFF file up to 20 MB.",
    "picture": "Coloured picture",
    "heatmap_picture": "Heatmap with its legend",
    "heatmap_numbers": "Relevance and bands in numbers",
    "lines": "Line art",
    "no_picture": "Give a picture file.",
    "out_of_range": "{name} is {value}; this model takes {low} to {high}.",
    "settings_not_object": "settings must be a JSON object of names and values.",
}


def text(key: str, **values) -> str:
    """The text of `key` with `{placeholders}` filled in."""
    return TEXTS[key].format(**values)
