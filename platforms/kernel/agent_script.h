// An agent's part in a race: it carries out its script (mailbox.h) at full speed.
#ifndef IPCSPEC_PLATFORMS_KERNEL_AGENT_SCRIPT_H_
#define IPCSPEC_PLATFORMS_KERNEL_AGENT_SCRIPT_H_

#include <cstdint>

#include "platforms/kernel/mailbox.h"

namespace ipcspec {

// Waits for the start of the race, and makes the calls of the slot's script from the first that is
// not done; `perform` makes one. Stops between two calls when the race ends. Gives 0.
int64_t CarryOutScript(Mailboxes& memory, int slot,
                       int64_t (*perform)(const Prepared& request, char* buffer));

// The entry at hand was an exec, and this is the new image: it has returned.
void FinishExec(ScriptMemory& script);

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_KERNEL_AGENT_SCRIPT_H_
