/*
 * See psi.h.
 */
#include "nsutil/psi.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { WINDOW_MIN_US = 500000, WINDOW_MAX_US = 10000000 };

int psi_trigger(const void *data, size_t len, char text[PSI_TRIGGER_SIZE])
{
	char written[PSI_TRIGGER_SIZE] = "", *kind = written, *figures = written + 4;
	unsigned long long threshold_us, window_us;

	memcpy(written, data, len < sizeof(written) - 1 ? len : sizeof(written) - 1);
	if ((*figures != ' ' && *figures != '\t') || strpbrk(figures, "+-") ||
		sscanf(figures, "%llu %llu", &threshold_us, &window_us) != 2)
		return -EINVAL;
	*figures = '\0';
	if ((strcmp(kind, "some") && strcmp(kind, "full")) || !threshold_us ||
		threshold_us > window_us || window_us < WINDOW_MIN_US ||
		window_us > WINDOW_MAX_US)
		return -EINVAL;
	snprintf(text, PSI_TRIGGER_SIZE, "%.4s %u %u", kind, (unsigned)threshold_us,
		(unsigned)window_us);
	return 0;
}
