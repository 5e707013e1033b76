/*
 * Pages for the simulated year: stretches of real pages (of $KPWATCH_SHARED
 * where it is there, else pages of our own) with what such sites add to
 * them: dates, counters, session ids, nonces, banners, lists in any order.
 * The same seed gives the same pages.
 */
#ifndef KPWATCH_TEST_YEAR_PAGE_H
#define KPWATCH_TEST_YEAR_PAGE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bytes.h"
#include "instant.h"
#include "limit.h"

#define SLOTS	   14 /* places of a page where something is put */
#define PARAGRAPHS 6  /* of a main page or of an article */
#define HEADLINES  6  /* on a main page */
#define CHANNELS   6
#define SHARES	   8
#define STRETCH	   9000 /* bytes taken of a real page, about */

/* ---- numbers ---- */

static uint64_t
rnd(uint64_t *s)
{
	uint64_t z = (*s += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static uint32_t
below(uint64_t *s, uint32_t n)
{
	return (uint32_t)(rnd(s) % n);
}

static bool
chance(uint64_t *s, double p)
{
	return (double)(rnd(s) >> 11) / 9007199254740992.0 < p;
}

/* A word that stands nowhere else. */
static void
word_of(uint32_t n, char out[16])
{
	static const char c[] = "bdfgklmnprstvz", v[] = "aeiou";
	size_t at = 0;

	for (; (n > 0 || at < 6) && at < 12; n /= 70) {
		out[at++] = c[n % 14];
		out[at++] = v[n / 14 % 5];
	}
	out[at] = '\0';
}

/* ---- stretches of real pages ---- */

struct template
{
	struct buf bytes;
	size_t *ends; /* behind a closing tag of a block */
	size_t count, cap;
};

struct templates {
	struct template list[16];
	size_t count;
};

static bool
closes_block(struct span s, size_t at)
{
	static const char *const tags[] = {"</div>", "</p>", "</li>", "</td>",
	    "</ul>", "</table>", "</h3>"};

	for (size_t i = 0; i < ARRAY_LEN(tags); i++)
		if (s.n - at > strlen(tags[i]) &&
		    strncasecmp(s.p + at, tags[i], strlen(tags[i])) == 0)
			return true;
	return false;
}

/* The end of a script, style or comment that begins here, or `at`. */
static size_t
skip_raw(struct span s, size_t at)
{
	static const char *const raw[][2] = {{"<script", "</script>"},
	    {"<style", "</style>"}, {"<!--", "-->"}};
	const char *end;

	for (size_t i = 0; i < ARRAY_LEN(raw); i++) {
		if (s.n - at <= strlen(raw[i][0]) ||
		    strncasecmp(s.p + at, raw[i][0], strlen(raw[i][0])) != 0)
			continue;
		end = strcasestr(s.p + at, raw[i][1]);
		return end == NULL ? s.n : (size_t)(end - s.p);
	}
	return at;
}

static void
template_find_ends(struct template *t)
{
	struct span s = {buf_str(&t->bytes), t->bytes.len};
	const char *body = strcasestr(s.p, "<body");
	size_t at = body == NULL ? 0 : (size_t)(body - s.p) + 1;

	for (; at < s.n; at++) {
		if (s.p[at] != '<')
			continue;
		at = skip_raw(s, at);
		if (at >= s.n || !closes_block(s, at))
			continue;
		while (at + 1 < s.n && s.p[at] != '>')
			at++;
		t->ends =
		    xgrow(t->ends, &t->cap, t->count + 1, sizeof *t->ends);
		t->ends[t->count++] = at + 1;
	}
}

static void
template_load(struct templates *all, const char *folder, const char *name)
{
	struct template *t = &all->list[all->count];
	char *path = xasprintf("%s/%s", folder, name);
	FILE *f = fopen(path, "rb");
	char chunk[4096];
	size_t n;

	free(path);
	if (f == NULL)
		return;
	buf_init(&t->bytes, 4 * MIB);
	while ((n = fread(chunk, 1, sizeof chunk, f)) > 0)
		buf_add(&t->bytes, chunk, n);
	fclose(f);
	template_find_ends(t);
	if (t->count >= 2 * SLOTS)
		all->count++;
	else
		buf_release(&t->bytes);
}

/* A page of our own, for where the real ones are not at hand. */
static void
template_make(struct templates *all, uint64_t seed)
{
	static const char *const shapes[] =
	    {"<div class=\"c%u\"><b>[%u]</b> %s %s</div>\n",
		"<tr><td>%u</td><td><a href=\"/view/%u\">%s %s</a></td></tr>\n",
		"<li class=\"i%u\"><a href=\"?no=%u\">%s</a> %s</li>\n",
		"<p id=\"p%u\" class=\"t%u\">%s %s</p>\n",
		"<div><img src=\"/i/%u.jpg?%u\"><span>%s</span>%s</div>\n"};
	struct template *t = &all->list[all->count++];
	char a[16], b[16];

	buf_init(&t->bytes, 4 * MIB);
	buf_add_str(&t->bytes, "<html><body>\n");
	for (uint32_t i = 0; i < 160; i++) {
		word_of(3000000 + below(&seed, 100000), a);
		word_of(4000000 + below(&seed, 100000), b);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		buf_addf(&t->bytes, shapes[below(&seed, 40) / 8 % 5], i,
		    below(&seed, 9000), a, b);
#pragma GCC diagnostic pop
	}
	template_find_ends(t);
}

static void
templates_load(struct templates *all)
{
	static const char *const real[] =
	    {"arirangmeari.com.part1_000000-032000.html",
		"arirangmeari.com.part2_064000-078369.html",
		"dprktoday.com.html",
		"uriminzokkiri.com.part1_000000-034254.html",
		"uriminzokkiri.com.part3_tv-tail_073784-099995.html"};
	const char *shared = getenv("KPWATCH_SHARED");
	char *folder =
	    xasprintf("%s/pages", shared == NULL ? "../shared" : shared);

	memset(all, 0, sizeof *all);
	for (size_t i = 0; i < ARRAY_LEN(real); i++)
		template_load(all, folder, real[i]);
	printf("# pages of %s: %zu\n", folder, all->count);
	for (uint64_t i = 0; all->count < 4; i++)
		template_make(all, i);
	free(folder);
}

static void
templates_release(struct templates *all)
{
	for (size_t i = 0; i < all->count; i++) {
		buf_release(&all->list[i].bytes);
		free(all->list[i].ends);
	}
}

/* ---- one site's page ---- */

enum noise_kind {
	NOISE_DATE,
	NOISE_CLOCK,
	NOISE_COUNTER,
	NOISE_ONLINE,
	NOISE_SESSION,
	NOISE_BUSTER,
	NOISE_NONCE,
	NOISE_BANNER,
	NOISE_QUOTE,
	NOISE_ORDER,
	NOISE_LINK_ORDER,
	NOISE_TOOK,
	NOISE_LIKES,
	NOISE_SOMETIMES,
	NOISE_COUNT
};

struct site {
	uint32_t nr;
	const struct template *template;
	size_t from;	     /* first end of the stretch */
	size_t slots[SLOTS]; /* ends where something is put, ascending */
	unsigned noise;	     /* bits 1 << noise_kind */
	uint32_t lang;
	uint32_t paragraphs[PARAGRAPHS]; /* words in them; 0: none */
	uint32_t edited[PARAGRAPHS];	 /* word put into it; 0: none */
	uint32_t first_headline, headlines;
	bool channel[CHANNELS], share[SHARES], embed;
	uint32_t title;
	uint32_t address;
	bool moved;
	bool articles;
	uint32_t article_edit[64]; /* word; by headline % 64 */
	bool article_gone[64];
};

static const char *const platforms_shared[SHARES] = {
    "https://www.facebook.com/sharer/sharer.php?u=http%3A%2F%2Fa",
    "https://twitter.com/intent/tweet?url=http%3A%2F%2Fa",
    "https://vk.com/share.php?url=http%3A%2F%2Fa",
    "http://service.weibo.com/share/share.php?url=http%3A%2F%2Fa",
    "https://story.kakao.com/share?url=http%3A%2F%2Fa",
    "https://www.linkedin.com/shareArticle?mini=true&amp;url=http%3A%2F%2Fa",
    "https://www.reddit.com/submit?url=http%3A%2F%2Fa",
    "https://t.me/share/url?url=http%3A%2F%2Fa"};
static const char *const share_platform[SHARES] = {"facebook", "twitter", "vk",
    "weibo", "kakaostory", "linkedin", "reddit", "telegram"};
static const char *const channel_url[CHANNELS] = {"https://www.youtube.com/@%s",
    "https://twitter.com/%s", "https://www.facebook.com/%s",
    "https://vk.com/%s", "https://www.instagram.com/%s", "https://t.me/%s"};
static const char *const channel_platform[CHANNELS] = {"youtube", "twitter",
    "facebook", "vk", "instagram", "telegram"};

static const char *const words[][12] = {{"공화국", "인민", "평양", "조선",
					    "로동", "신문", "경제", "발전",
					    "문화", "예술", "건설", "소식"},
    {"朝鲜", "平壤", "人民", "经济", "文化", "建设", "新闻", "科学", "工业",
	"农业", "艺术", "教育"},
    {"народ", "Пхеньян", "новости", "страна", "завод", "строительство",
	"культура", "наука", "село", "партия", "армия", "школа"},
    {"people", "Pyongyang", "news", "factory", "construction", "culture",
	"science", "village", "party", "army", "school", "art"},
    {"人民", "平壌", "朝鮮", "ニュース", "経済", "文化", "建設", "工場", "科学",
	"教育", "芸術", "農業"}};

static void
put_words(struct buf *b, uint32_t lang, uint64_t seed, uint32_t n,
    uint32_t mark)
{
	char mark_word[16];
	uint32_t at = n / 2;

	for (uint32_t i = 0; i < n; i++) {
		if (mark != 0 && i == at) {
			word_of(mark, mark_word);
			buf_addf(b, "%s ", mark_word);
		}
		buf_addf(b, "%s ", words[lang % 5][below(&seed, 12)]);
	}
}

static void
site_init(struct site *s, uint32_t nr, const struct templates *all,
    uint64_t seed)
{
	uint64_t r = seed + nr * 1000003u;
	const struct template *t = &all->list[below(&r, (uint32_t)all->count)];
	size_t last;

	memset(s, 0, sizeof *s);
	s->nr = nr;
	s->template = t;
	s->from = below(&r, (uint32_t)(t->count - SLOTS));
	for (last = s->from + SLOTS;
	     last + 1 < t->count && t->ends[last] - t->ends[s->from] < STRETCH;
	     last++)
		continue;
	for (size_t i = 0; i < SLOTS; i++)
		s->slots[i] = s->from + i * (last - s->from) / (SLOTS - 1);
	s->lang = below(&r, 5);
	for (size_t i = 0; i < NOISE_COUNT; i++)
		if (chance(&r, i == NOISE_SOMETIMES ? 0.05 : 0.3))
			s->noise |= 1u << i;
	for (size_t i = 0; i < PARAGRAPHS - 2; i++)
		s->paragraphs[i] = 8 + below(&r, 30);
	s->first_headline = 1;
	s->headlines = HEADLINES;
	for (size_t i = 0; i < CHANNELS; i++)
		s->channel[i] = chance(&r, 0.5);
	for (size_t i = 0; i < SHARES; i++)
		s->share[i] = chance(&r, 0.5);
	s->address = nr;
	s->articles = nr % 4 == 0;
}

static void
put_date(struct buf *b, const struct site *s, int64_t time, uint64_t *r)
{
	char d[INSTANT_TEXT_MAX];
	int y, m, day;
	static const char *const ru[] = {"января", "февраля", "марта", "апреля",
	    "мая", "июня", "июля", "августа", "сентября", "октября", "ноября",
	    "декабря"};
	static const char *const en[] = {"January", "February", "March",
	    "April", "May", "June", "July", "August", "September", "October",
	    "November", "December"};
	static const char *const week[] = {"목", "금", "토", "일", "월", "화",
	    "수"};

	(void)r;
	instant_text(time, d);
	(void)sscanf(d, "%d-%d-%d", &y, &m, &day);
	buf_addf(b, "<div class=\"date\">");
	switch ((s->lang + s->nr) % 9) {
	case 0:
		buf_addf(b, "주체%d(%d)년 %d월 %d일", y - 1911, y, m, day);
		break;
	case 1:
		buf_addf(b, "%d年%d月%d日", y, m, day);
		break;
	case 2:
		buf_addf(b, "%d %s %d", day, ru[m - 1], y);
		break;
	case 3:
		buf_addf(b, "%s %d, %d", en[m - 1], day, y);
		break;
	case 4:
		buf_addf(b, "%04d-%02d-%02d", y, m, day);
		break;
	case 5:
		buf_addf(b, "%d. %d. %d (%s)", y, m, day,
		    week[time / 86400000 % 7]);
		break;
	case 6:
		buf_addf(b, "%d년 %d월 %d일 %s요일", y, m, day,
		    week[time / 86400000 % 7]);
		break;
	case 7:
		buf_addf(b, "%02d.%02d.%d", day, m, y);
		break;
	default:
		buf_addf(b, "%02d/%02d/%d", day, m, y);
		break;
	}
	buf_addf(b, "</div>");
}

static void
put_counter(struct buf *b, const struct site *s, int64_t time, uint64_t *r)
{
	unsigned today = (unsigned)(time / 60000 % 1440) + below(r, 9);
	unsigned total = (unsigned)(time / 1000000 % 9000000);

	switch (s->lang) {
	case 0:
		buf_addf(b, "<p>오늘 방문자: %u</p><p>전체 방문자 %u명</p>",
		    today, total);
		break;
	case 1:
		buf_addf(b, "<p>访问量：%u 今日：%u</p>", total, today);
		break;
	case 2:
		buf_addf(b, "<p>Посетителей: %u</p>", total);
		break;
	case 3:
		buf_addf(b, "<p>Visitors today: %u Total visits: %u</p>", today,
		    total);
		break;
	default:
		buf_addf(b, "<p>本日の訪問者数 %u 人</p>", today);
		break;
	}
}

/* Items 0 to n - 1 in any order. */
static void
shuffle(uint32_t *list, uint32_t n, uint64_t *r)
{
	for (uint32_t i = 0; i < n; i++)
		list[i] = i;
	for (uint32_t i = n; i > 1; i--) {
		uint32_t k = below(r, i), t = list[i - 1];

		list[i - 1] = list[k];
		list[k] = t;
	}
}

static void
put_list(struct buf *b, const struct site *s, uint64_t *r, bool links)
{
	uint32_t order[6];
	char name[16];

	shuffle(order, 6, r);
	buf_addf(b, "<ul>");
	for (uint32_t i = 0; i < 6; i++) {
		word_of(900000 + s->nr * 6 + order[i], name);
		buf_addf(b, "<li>");
		if (links)
			buf_addf(b, "<a href=\"https://vk.com/%s\">", name);
		put_words(b, s->lang, s->nr * 31 + order[i], 4, 0);
		buf_addf(b, "%s%s</li>", name, links ? "</a>" : "");
	}
	buf_addf(b, "</ul>");
}

static void
put_noise(struct buf *b, const struct site *s, enum noise_kind kind,
    int64_t time, uint64_t *r)
{
	char d[INSTANT_TEXT_MAX], name[16];

	switch (kind) {
	case NOISE_DATE:
		put_date(b, s, time, r);
		break;
	case NOISE_CLOCK:
		instant_text(time, d);
		buf_addf(b, "<span>%.10s %.8s</span><br>", d, d + 11);
		break;
	case NOISE_COUNTER:
		put_counter(b, s, time, r);
		break;
	case NOISE_ONLINE:
		buf_addf(b,
		    s->lang == 0 ? "<div>현재 접속자 %u명</div>"
				 : "<div>Online: %u</div>",
		    2 + below(r, 90));
		break;
	case NOISE_SESSION:
		buf_addf(b,
		    "<a href=\"/list.php?PHPSESSID=%016llx%016llx\">목록</a>"
		    "<form action=\"/search;jsessionid=%08X\"><input "
		    "type=\"hidden\" name=\"csrf\" value=\"%016llx\"></form>",
		    (unsigned long long)rnd(r), (unsigned long long)rnd(r),
		    below(r, 1u << 31), (unsigned long long)rnd(r));
		break;
	case NOISE_BUSTER:
		buf_addf(b,
		    "<img src=\"/img/top.gif?%u\"><link rel=\"stylesheet\" "
		    "href=\"/css/main.css?v=%u\">"
		    "<script src=\"/js/a.js?_=%lld\"></script>",
		    below(r, 1000000), below(r, 1000000), (long long)time);
		break;
	case NOISE_NONCE:
		buf_addf(b,
		    "<script nonce=\"%016llx\">var token = '%016llx';"
		    "</script>",
		    (unsigned long long)rnd(r), (unsigned long long)rnd(r));
		break;
	case NOISE_BANNER:
		buf_addf(b, "<div class=\"banner\"><a href=\"/ad/%u\">",
		    below(r, 9));
		put_words(b, s->lang, s->nr * 17 + below(r, 6), 6, 0);
		buf_addf(b, "</a></div>");
		break;
	case NOISE_QUOTE:
		buf_addf(b, "<blockquote>");
		put_words(b, s->lang, rnd(r), 9, 0);
		buf_addf(b, "</blockquote>");
		break;
	case NOISE_ORDER:
		put_list(b, s, r, false);
		break;
	case NOISE_LINK_ORDER:
		put_list(b, s, r, true);
		break;
	case NOISE_TOOK:
		buf_addf(b, "<p>Page generated in 0.%04u seconds</p>",
		    below(r, 10000));
		break;
	case NOISE_LIKES:
		buf_addf(b, "<div>좋아요 %u</div><div>조회수 %u</div>",
		    below(r, 500), below(r, 9000));
		break;
	case NOISE_SOMETIMES:
		word_of(800000 + s->nr, name);
		if (chance(r, 0.6))
			buf_addf(b,
			    "<div><a href=\"https://www.youtube.com/@%s\">"
			    "%s</a></div>",
			    name, name);
		break;
	case NOISE_COUNT:
		break;
	}
}

static uint32_t
headline_word(const struct site *s, uint32_t n)
{
	return 2000000 + s->nr * 4000 + n;
}

static void
put_headlines(struct buf *b, const struct site *s)
{
	buf_addf(b, "<ul class=\"news\">");
	for (uint32_t i = 0; i < HEADLINES && i < s->headlines; i++) {
		uint32_t n = s->first_headline + s->headlines - 1 - i;

		if (s->article_gone[n % 64])
			continue;
		buf_addf(b, "<li><a href=\"/news/%u\">", n);
		put_words(b, s->lang, n * 77 + s->nr, 5, headline_word(s, n));
		buf_addf(b, "</a></li>");
	}
	buf_addf(b, "</ul>");
}

static void
put_paragraph(struct buf *b, const struct site *s, size_t i)
{
	if (s->paragraphs[i] == 0)
		return;
	buf_addf(b, "<p>");
	put_words(b, s->lang, s->nr * 1001 + i, s->paragraphs[i], s->edited[i]);
	buf_addf(b, "</p>");
}

static void
put_channels(struct buf *b, const struct site *s)
{
	char name[16];

	buf_addf(b, "<div class=\"sns\">");
	for (size_t i = 0; i < CHANNELS; i++) {
		if (!s->channel[i])
			continue;
		word_of(700000 + s->nr, name);
		buf_addf(b, "<a href=\"");
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		buf_addf(b, channel_url[i], name);
#pragma GCC diagnostic pop
		buf_addf(b, "\"><img src=\"/i/%zu.png\"></a>", i);
	}
	if (s->embed)
		buf_addf(b,
		    "<iframe src=\"https://www.youtube.com/embed/"
		    "dQw4w9WgXc%c\"></iframe>",
		    'A' + (int)(s->nr % 26));
	buf_addf(b, "</div>");
}

static void
put_shares(struct buf *b, const struct site *s)
{
	buf_addf(b, "<div class=\"share\">");
	for (size_t i = 0; i < SHARES; i++)
		if (s->share[i])
			buf_addf(b, "<a class=\"s%zu\" href=\"%s\">%s</a> ", i,
			    platforms_shared[i], share_platform[i]);
	buf_addf(b, "</div>");
}

static void
put_item(struct buf *b, const struct site *s, size_t slot, int64_t time,
    uint64_t *r)
{
	if (slot < PARAGRAPHS)
		put_paragraph(b, s, slot);
	else if (slot == PARAGRAPHS)
		put_headlines(b, s);
	else if (slot == PARAGRAPHS + 1)
		put_channels(b, s);
	else if (slot == PARAGRAPHS + 2)
		put_shares(b, s);
	/* Noise stands anywhere, two kinds in a place now and then. */
	for (uint32_t k = 0; k < NOISE_COUNT; k++)
		if ((s->noise >> k & 1) && (k * 5 + s->nr) % SLOTS == slot)
			put_noise(b, s, (enum noise_kind)k, time, r);
}

static void
put_head(struct buf *b, const struct site *s, uint32_t title)
{
	char name[16];

	word_of(600000 + title, name);
	buf_addf(b,
	    "<!DOCTYPE html><html><head><meta charset=\"utf-8\">"
	    "<title>%s %s</title></head><body>",
	    words[s->lang][s->nr % 12], name);
}

/* The main page as it is at that time; `look` makes the noise. */
static void
site_page(const struct site *s, int64_t time, uint64_t look, struct buf *b)
{
	const struct template *t = s->template;
	uint64_t r = look * 0x2545f4914f6cdd1du + s->nr;
	size_t from = t->ends[s->from], to;

	put_head(b, s, s->title * 1000 + s->nr);
	for (size_t i = 0; i < SLOTS; i++) {
		/* The order of the places is the site's own. */
		to = t->ends[s->slots[i]];
		buf_add(b, t->bytes.data + from, to - from);
		from = to;
		put_item(b, s, (i + s->nr) % SLOTS, time, &r);
	}
	buf_addf(b, "</body></html>");
}

/* An article: the site's frame around a text of its own. */
static void
site_article(const struct site *s, uint32_t n, int64_t time, uint64_t look,
    struct buf *b)
{
	const struct template *t = s->template;
	uint64_t r = look * 0x2545f4914f6cdd1du + s->nr;
	size_t from = t->ends[s->from], to = t->ends[s->slots[3]];
	uint32_t edit = s->article_edit[n % 64];

	put_head(b, s, 50000000 + s->nr * 4000 + n);
	buf_add(b, t->bytes.data + from, to - from);
	if (s->noise & 1u << NOISE_DATE)
		put_date(b, s, time, &r);
	buf_addf(b, "<div class=\"article\"><h1>");
	put_words(b, s->lang, n * 77 + s->nr, 5, headline_word(s, n));
	buf_addf(b, "</h1>");
	for (uint32_t i = 0; i < PARAGRAPHS; i++) {
		buf_addf(b, "<p>");
		put_words(b, s->lang, n * 4099 + s->nr * 13 + i, 20 + i,
		    i == 2 && edit != 0 ? edit : headline_word(s, n) + 1);
		buf_addf(b, "</p>");
	}
	buf_addf(b, "</div>");
	put_shares(b, s);
	put_headlines(b, s);
	if (s->noise & 1u << NOISE_COUNTER)
		put_counter(b, s, time, &r);
	from = t->ends[s->slots[10]];
	to = t->ends[s->slots[12]];
	buf_add(b, t->bytes.data + from, to - from);
	buf_addf(b, "</body></html>");
}

#endif
