/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of the calls user code can make; shared by C and assembly. */
#ifndef USER_CALL_H
#define USER_CALL_H

#define USER_CALL_EXIT 0   /* (value): ends run_in_user()                          */
#define USER_CALL_KERNEL 1 /* (fn, arg): fn(arg) at CPL 0 with IF = 0, its result  */
#define USER_CALL_WRITE 2  /* (text): to the console                               */
#define USER_CALL_VECTOR 0x80

#endif
