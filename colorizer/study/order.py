"""The order in which a participant meets the conditions: balanced Latin squares.

Source: E. J. Williams, Experimental designs balanced for the estimation of residual effects of treatments, 1949.
"""


def williams_square(count: int) -> tuple[tuple[int, ...], ...]:
    """Rows of the numbers 0..count-1: `count` rows for an even count, twice as many for an odd one.

    Over the rows, every number stands equally often at every place, and every number directly follows every other one
    equally often, so neither practice nor the condition before favours anybody.
    """
    if count < 1:
        raise ValueError(f"a square of {count}; there must be at least one thing to order")
    zigzag = [place // 2 if place % 2 == 0 else count - 1 - place // 2 for place in range(count)]
    rows = [tuple((number + shift) % count for number in zigzag) for shift in range(count)]
    if count % 2 and count > 1:  # one square cannot balance the neighbours of an odd count; its mirror image does
        rows += [row[::-1] for row in rows]
    return tuple(rows)
