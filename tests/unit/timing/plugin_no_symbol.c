/* SPDX-License-Identifier: Apache-2.0 */
/* A shared object that is no timing model. */
int something_else(void);
__attribute__((visibility("default"))) int something_else(void) { return 1; }
