/* Sightings as text: "channel vk somebody at http://vk.com/somebody". */
#ifndef KPWATCH_SIGHTING_TEXT_H
#define KPWATCH_SIGHTING_TEXT_H

#include "cm.h"

#include "finding.h"

/* Those of a finding, with their addresses or without. */
static void
sightings_show(const struct finding *f, bool addresses, struct buf *out)
{
	for (size_t i = 0; i < f->nsightings; i++) {
		const struct sighting *s = &f->sightings[i];

		buf_addf(out, "%s%s %s", i == 0 ? "" : ", ",
		    sighting_kind_name(s->kind), s->platform);
		if (s->name != NULL)
			buf_addf(out, " %s", s->name);
		if (addresses && s->url != NULL)
			buf_addf(out, " at %s", s->url);
		if (s->kit != NULL)
			buf_addf(out, " by %s", s->kit);
		if (s->count != 1)
			buf_addf(out, " x%u", (unsigned)s->count);
	}
}

#endif
