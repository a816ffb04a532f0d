/*
 * See psi.h.
 */
#include "nsutil/psi.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { WINDOW_STEP_US = 2000000, WINDOW_MAX_US = 10000000 };

int psi_trigger(const void *data, size_t len, char text[PSI_TRIGGER_SIZE])
{
	char written[PSI_TRIGGER_SIZE] = "", kind[5];
	unsigned long long threshold_us, window_us;

	memcpy(written, data, len < sizeof(written) - 1 ? len : sizeof(written) - 1);
	if (sscanf(written, "%4s %llu %llu", kind, &threshold_us, &window_us) != 3 ||
		(strcmp(kind, "some") && strcmp(kind, "full")) || !threshold_us ||
		threshold_us > window_us || window_us > WINDOW_MAX_US ||
		window_us % WINDOW_STEP_US)
		return -EINVAL;
	snprintf(text, PSI_TRIGGER_SIZE, "%s %u %u", kind, (unsigned)threshold_us,
		(unsigned)window_us);
	return 0;
}
