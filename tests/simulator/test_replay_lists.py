"""The replay gives the lists that are asked for, out of those that were recorded."""

from collections import Counter


def test_the_state_that_is_asked_for_is_given_though_another_was_recorded(replay):
    states = {
        state: Counter(issue["state"] for issue in replay.walk(f"{url}?{state}per_page=4"))
        for url in ["/repos/hub4j-test-org/testQueryIssues/issues"]
        for state in (
            "",
            "state=all&sort=updated&",
            "state=closed&",
            "state=open&since=2100-01-01&",
        )
    }
    assert [*states.values()] == [{"open": 6}, {"open": 6, "closed": 2}, {"closed": 2}, {}]
    pulls = [*replay.walk("/repos/octokit/octokit.rb/pulls?state=all&sort=updated&direction=asc")]
    assert Counter(pull["state"] for pull in pulls) == {"closed": 30, "open": 5}
    assert [pull["updated_at"] for pull in pulls] == sorted(pull["updated_at"] for pull in pulls)
    status, headers, _ = replay.get("/repos/octokit/octokit.rb/pulls?state=all")
    assert status == 200 and headers["X-Simulator-Recording"].startswith("octokit.rb-")
    assert replay.get("/repos/octokit/octokit.rb/pulls?state=all&since=soon")[0] == 422


def test_a_list_that_was_only_recorded_for_one_person_is_not_given_for_another(replay):
    assert replay.get("/repos/octokit/octokit.rb/issues?state=all")[0] == 404
    url = "/repos/hub4j-test-org/testQueryIssues/issues?creator=bloslo&state=closed"
    assert replay.get(url)[0] == 404


def test_names_are_found_in_any_letter_case(replay):
    for url in (
        "/repos/{hub4j}/{github}-api",
        "/repos/{hub4j}/{github}-api/issues?state=closed",
        "/users/{jennybc}/repos",
        "/repos/{jennybc}/2013-11_sfu",
        "/repos/{vuejs}/{vue}/tags",
    ):
        names = {name: name for name in ("hub4j", "github", "jennybc", "vuejs", "vue")}
        shout = {name: name.upper() for name in names}
        as_recorded, shouted = (replay.get(url.format(**each)) for each in (names, shout))
        assert (as_recorded[0], as_recorded[2]) == (200, shouted[2]), url
