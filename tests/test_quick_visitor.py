"""What a visitor types earlier than the page is done with itself stays."""

from tests.browsing import set_number, url_of_a_tiny_model, visitors  # noqa: F401  (fixtures)
from tests.chromium import chromium_browser, needs_chromium, sync_api  # noqa: F401  (the fixture `browser`)

expect = sync_api.expect
pytestmark = needs_chromium

# Unfolds "More" and types in the very task in which the field is there, then waits for some frames.
TYPE_AT_ONCE = """async () => {
    const type = () => {
        const field = document.querySelector("#steps input[type=number]");
        if (!field?.checkVisibility()) return false;
        field.focus();
        field.value = "7";
        field.dispatchEvent(new Event("input", { bubbles: true }));
        field.blur();
        return true;
    };
    document.querySelector("#more :is(summary, button)").click();
    if (!type()) {
        await new Promise((typed) => new MutationObserver((_, observer) => {
            if (type()) { observer.disconnect(); typed(); }
        }).observe(document.body, { childList: true, subtree: true, attributes: true }));
    }
    for (let frame = 0; frame < 10; frame++) await new Promise(requestAnimationFrame);
}"""


def steps(page):
    return page.locator("#steps input[type=number]")


def test_a_number_typed_as_soon_as_more_is_unfolded_stays(visit):
    page = visit()
    page.wait_for_function("window.visitReturned")
    page.evaluate(TYPE_AT_ONCE)
    assert steps(page).input_value() == "7"


def test_a_number_typed_before_the_server_has_answered_at_all_stays(visit):
    page = visit()
    page.wait_for_function("window.visitReturned")
    set_number(page, "steps", 9)
    page.wait_for_function("localStorage.getItem('colorize-desk') !== null")
    held = []
    page.route("**/queue/join**", lambda route: held.append(route))
    page.reload()
    set_number(page, "steps", 7)
    assert held
    for route in held:
        route.continue_()
    page.unroute("**/queue/join**")
    page.wait_for_function("window.visitReturned")
    assert steps(page).input_value() == "7"
    page.reload()
    expect(steps(page)).to_have_value("7")
