"""What pages say, in English and Korean."""

from __future__ import annotations

LANGUAGES = {"en": "English", "ko": "한국어"}
# The calendar in which readers of a language count days; pages name it.
CALENDARS = {"en": "UTC", "ko": "Asia/Seoul"}

# Key to English and Korean; `{…}` is filled in.
WORDS: dict[str, tuple[str, str]] = {
    "skip": ("Skip to content", "본문으로 건너뛰기"),
    "menu": ("Main", "주 메뉴"),
    "releases": ("Releases", "릴리스"),
    "repositories": ("Repositories", "저장소"),
    "compare": ("Compare", "비교"),
    "completeness": ("All there?", "수집 현황"),
    "theme": ("Dark mode", "어두운 화면"),
    "language": ("Language", "언어"),
    "days_are": ("Days: {calendar}, today is {today}", "날짜 기준: {calendar}, 오늘 {today}"),
    "published": ("Version {version}, published {at}", "버전 {version}, {at} 게시"),
    "stale": (
        "Not up to date: published {age}. A run publishes what is newer.",
        "최신이 아닙니다: {age}에 게시되었습니다. 실행하면 새 데이터가 게시됩니다.",
    ),
    "stale_source": (
        "{source} is not up to date: its newest day is {day}.",
        "{source} 데이터가 최신이 아닙니다: 마지막 날짜는 {day}입니다.",
    ),
    "held_back": (
        "{stream}: {count} parts are not complete and are shown as of the day when they last were.",
        "{stream}: {count}개 항목이 다 수집되지 않아, 마지막으로 완전했던 날의 상태로 보여 줍니다.",
    ),
    "held_back_since": (
        "{stream} is shown as of {day}: what came since is not complete.",
        "{stream} 데이터는 {day} 기준입니다. 이후 데이터는 아직 다 수집되지 않았습니다.",
    ),
    "held_back_whole": (
        "{stream} is not shown: what came of it so far is not complete.",
        "{stream} 데이터는 아직 다 수집되지 않아 보여 주지 않습니다.",
    ),
    "releases_title": ("Latest releases", "최신 릴리스"),
    "releases_lead": (
        "New versions of {count} open-source products, newest first.",
        "오픈소스 {count}개 제품의 새 버전을 최신순으로 보여 줍니다.",
    ),
    "products": ("Products", "제품"),
    "all_products": ("All {count} products", "전체 제품 {count}개"),
    "search": ("Search", "검색"),
    "search_releases": ("Product, version or title", "제품, 버전, 제목"),
    "search_repositories": ("Name or description", "이름 또는 설명"),
    "clear": ("Show all", "모두 보기"),
    "only_favourites": ("Only favourites", "즐겨찾기만"),
    "favourite": ("Favourite: {name}", "즐겨찾기: {name}"),
    "shown": ("Releases shown: {count}", "릴리스 {count}개 표시"),
    "nothing": (
        "No release matches. Choose other products or another search.",
        "일치하는 릴리스가 없습니다. 다른 제품이나 검색어를 선택하세요.",
    ),
    "more": ("Older releases", "이전 릴리스 더 보기"),
    "older_elsewhere": (
        "Older versions are on the pages of the products.",
        "이전 버전은 각 제품 페이지에 있습니다.",
    ),
    "prerelease": ("pre-release", "사전 릴리스"),
    "end_of_life": ("end of life {day}", "지원 종료 {day}"),
    "dissent": ("sources differ", "출처 간 날짜 불일치"),
    "dissent_days": ("Sources differ in the day: {days}", "출처마다 날짜가 다릅니다: {days}"),
    "kind_tag": ("tag only", "태그만 있음"),
    "kind_statement": ("stated by endoflife", "endoflife 기준"),
    "kind_posted": ("posted by others", "외부에서 등록"),
    "undated": ("day unknown", "날짜 알 수 없음"),
    "notes": ("Release notes", "릴리스 노트"),
    "link_of": ("Release notes of {name}", "{name} 릴리스 노트"),
    "feeds": ("Feeds of this selection", "이 선택의 피드"),
    "versions": ("Versions", "버전"),
    "version": ("Version", "버전"),
    "day": ("Day", "날짜"),
    "origin": ("Origin", "출처"),
    "cycle_count": ("{count} cycles", "주기 {count}개"),
    "cycles": ("Release cycles", "릴리스 주기"),
    "cycle": ("Cycle", "주기"),
    "first_release": ("First release", "첫 릴리스"),
    "support_end": ("Active support until", "적극 지원 종료"),
    "eol": ("End of life", "지원 종료"),
    "extended_end": ("Extended support until", "연장 지원 종료"),
    "over": ("ended", "종료됨"),
    "not_over": ("not ended", "종료되지 않음"),
    "planned": ("Planned", "출시 예정"),
    "withdrawn_since": (
        "endoflife no longer lists this product since {day}; nothing here is counted as its latest version.",
        "{day}부터 endoflife에서 이 제품을 제공하지 않으므로 최신 버전으로 표시하지 않습니다.",
    ),
    "latest": ("Latest version", "최신 버전"),
    "product_dissent": (
        "The sources differ: GitHub says {github}, endoflife says {endoflife}.",
        "출처가 서로 다릅니다: GitHub {github}, endoflife {endoflife}.",
    ),
    "repository": ("Repository", "저장소"),
    "repositories_title": ("Top repositories", "인기 저장소"),
    "repositories_lead": (
        "{count} repositories. Growth is counted to the newest known day.",
        "저장소 {count}개. 증가량은 확인된 마지막 날짜 기준입니다.",
    ),
    "rank": ("Rank", "순위"),
    "stars": ("Stars", "스타"),
    "forks": ("Forks", "포크"),
    "growth": ("{days} days", "{days}일"),
    "growth_stars": ("Stars, {days} days", "스타 {days}일 증가"),
    "coding": ("Language", "언어"),
    "license": ("Licence", "라이선스"),
    "any": ("Any", "전체"),
    "sort": ("Sort by", "정렬"),
    "apply": ("Apply", "적용"),
    "sort_stars": ("Stars", "스타"),
    "sort_forks": ("Forks", "포크"),
    "sort_growth_7d": ("Growth in 7 days", "7일 증가"),
    "sort_growth_28d": ("Growth in 28 days", "28일 증가"),
    "previous": ("Previous", "이전"),
    "next": ("Next", "다음"),
    "none_found": ("No repository matches.", "일치하는 저장소가 없습니다."),
    "deleted": ("deleted", "삭제됨"),
    "archived": ("archived", "보관됨"),
    "fork": ("fork", "포크"),
    "unwatched": ("no longer watched", "더 이상 수집하지 않음"),
    "deleted_since": (
        "Upstream no longer has it ({evidence}); these are its last values.",
        "원본에서 삭제되었습니다({evidence}). 마지막 값을 보여 줍니다.",
    ),
    "ranked_only": (
        "Only rankings tell of this name, on {count} days: no repository is known by it, so that its days are tied to none.",
        "이 이름은 랭킹에서만 {count}일 확인되었습니다. 해당하는 저장소를 알 수 없어 저장소와 연결하지 않았습니다.",
    ),
    "lists": ("Lists", "목록"),
    "why": ("Why it is tied to none", "연결하지 않은 이유"),
    "reason_unknown name": ("nobody was ever seen with the name", "이 이름으로 확인된 저장소 없음"),
    "reason_name of no known repository on that day": (
        "who had the name had it on other days",
        "해당 날짜에는 이 이름의 저장소 없음",
    ),
    "reason_ambiguous name": ("two may have had the name", "이름이 겹치는 저장소가 둘 이상"),
    "former": ("Former names", "이전 이름"),
    "watchers": ("Watchers", "워처"),
    "open_issues": ("Open issues", "열린 이슈"),
    "open_pulls": ("Open pull requests", "열린 풀 리퀘스트"),
    "commits": ("Commits", "커밋"),
    "contributors": ("Contributors", "기여자"),
    "people_bots": ("People: {people}, bots: {bots}", "사람 {people}명, 봇 {bots}개"),
    "top_share": (
        "{login} made {share} of the commits by people",
        "{login} 님이 사람이 만든 커밋의 {share}를 작성했습니다",
    ),
    "bot": ("bot", "봇"),
    "topics": ("Topics", "토픽"),
    "projects": ("Projects", "프로젝트"),
    "charts": ("Over time", "시간에 따른 변화"),
    "as_table": ("As a table: the newest {count}", "표로 보기: 최근 {count}개"),
    "download": ("Download all days (CSV)", "전체 날짜 내려받기 (CSV)"),
    "embed": ("Embed", "삽입하기"),
    "open": ("open", "열림"),
    "closed": ("closed", "닫힘"),
    "compare_lead": (
        "Up to five repositories, side by side: name them as owner/name, separated by commas.",
        "저장소를 최대 5개까지 나란히 비교합니다. owner/name 형식으로 쉼표로 구분해 입력하세요.",
    ),
    "compare_names": ("Repositories", "저장소"),
    "too_many": (
        "At most five repositories can be compared; {count} were named.",
        "최대 5개까지 비교할 수 있습니다. {count}개가 입력되었습니다.",
    ),
    "unknown_repository": ("There is no repository {name} here.", "{name} 저장소가 없습니다."),
    "unknown_product": ("There is no product {name} here.", "{name} 제품이 없습니다."),
    "bad_place": (
        "This link to older releases is damaged.",
        "이전 릴리스로 가는 링크가 손상되었습니다.",
    ),
    "not_found": ("Not found", "찾을 수 없음"),
    "cannot": ("This cannot be shown", "표시할 수 없음"),
    "completeness_title": ("Is it all there?", "빠진 데이터는 없나요?"),
    "completeness_lead": (
        "What upstream says there is, what was landed, and the worst share of any part. A dash: upstream does not say.",
        "원본이 알려 준 수, 수집한 수, 그리고 가장 낮은 수집률입니다. 줄표는 원본이 알려 주지 않음을 뜻합니다.",
    ),
    "source": ("Source", "출처"),
    "stream": ("Stream", "스트림"),
    "parts": ("Parts", "구분 수"),
    "expected": ("Expected", "기대"),
    "landed": ("Kept", "수집"),
    "worst": ("Worst capture rate", "최저 수집률"),
    "newest_day": ("Newest day", "마지막 날짜"),
    "below": ("Below their floor", "하한 미달"),
    "none_below": ("Nothing is below its floor.", "하한에 미달한 항목이 없습니다."),
    "share": ("Share", "비율"),
    "figures": ("Figures", "수치"),
}  # fmt: skip


def said(key: str, language: str, **values: object) -> str:
    """A text in a language."""
    return WORDS[key][list(LANGUAGES).index(language)].format(**values)


def language_of(asked: str | None, accepted: str) -> str:
    """The language that is asked for by name, else the first known one of an Accept-Language header."""
    if asked in LANGUAGES:
        return asked
    wishes = []
    for number, wish in enumerate(accepted.split(",")[:20]):
        name, _, weight = wish.partition(";q=")
        try:
            wishes.append((-float(weight or 1), number, name.strip().split("-")[0].lower()))
        except ValueError:
            continue
    return next((name for _, _, name in sorted(wishes) if name in LANGUAGES), "en")
