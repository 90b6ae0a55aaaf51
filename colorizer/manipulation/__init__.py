"""Editing by words: reference tokens are moved toward a target text before they reach the denoiser."""

from colorizer.manipulation.apply import apply_edits
from colorizer.manipulation.cache import RelevanceCache, tokens_key
from colorizer.manipulation.degree import degree_edits, degree_scales
from colorizer.manipulation.edit import EVERYTHING, Edit, read_edits
from colorizer.manipulation.pwv import band_of, dscale, omega
from colorizer.manipulation.regions import RegionMask
from colorizer.manipulation.relevance import Relevance, relevance
from colorizer.manipulation.thresholds import DEFAULT_THRESHOLDS, auto_thresholds, separate_thresholds

__all__ = [
    "DEFAULT_THRESHOLDS",
    "EVERYTHING",
    "Edit",
    "RegionMask",
    "Relevance",
    "RelevanceCache",
    "apply_edits",
    "auto_thresholds",
    "band_of",
    "degree_edits",
    "degree_scales",
    "dscale",
    "omega",
    "read_edits",
    "relevance",
    "separate_thresholds",
    "tokens_key",
]
