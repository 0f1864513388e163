// An agent's part in a race: it carries out its script (mailbox.h) at full speed.
#ifndef IPCSPEC_PLATFORMS_KERNEL_AGENT_SCRIPT_H_
#define IPCSPEC_PLATFORMS_KERNEL_AGENT_SCRIPT_H_

#include <cstdint>

#include "platforms/kernel/mailbox.h"

namespace ipcspec {

// Makes a call; what it points to is in the buffer. Gives what the system call gave.
using PerformCall = int64_t (*)(const Prepared& request, char* buffer);

// Waits for the start of the race, and makes the calls of the slot's script from the first that is
// not done; `perform` makes one. Stops between two calls when the race ends. Gives 0.
int64_t CarryOutScript(Mailboxes& memory, int slot, PerformCall perform);

// What stands between agents and the kernel in races, for tests that want a kernel with a fault: it
// makes the call itself, or by `perform`. Set before the system is made; null is nothing.
inline int64_t (*call_shim)(const Prepared& request, char* buffer, PerformCall perform) = nullptr;

// The entry at hand was an exec, and this is the new image: it has returned.
void FinishExec(ScriptMemory& script);

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_KERNEL_AGENT_SCRIPT_H_
