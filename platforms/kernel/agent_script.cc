#include "platforms/kernel/agent_script.h"

#include <sched.h>

#include <cstring>

#include "platforms/kernel/monotonic.h"
#include "platforms/kernel/raw_syscall.h"

namespace ipcspec {
namespace {

// Which processors there are is a question to ask once: -1 means all that the machine has.
void RunOn(int cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (cpu >= 0) {
    CPU_SET(cpu, &set);
  } else {
    std::memset(&set, 0xff, sizeof set);
  }
  RawSyscall(SYS_sched_setaffinity, 0, sizeof set, reinterpret_cast<int64_t>(&set));
}

void Pause(const ScriptEntry& entry) {
  for (int i = 0; i < entry.yields; ++i) RawSyscall(SYS_sched_yield);
  if (entry.pause_ns == 0) return;
  for (const int64_t end = Monotonic() + entry.pause_ns; Monotonic() < end;) {
  }
}

// Takes what other calls of the race gave. What has not returned, or failed, is -1.
void Patch(const Mailboxes& memory, ScriptEntry& entry) {
  for (ScriptEntry::Patch& patch : entry.patches) {
    if (patch.arg < 0) return;
    const ScriptMemory& script = memory.scripts[patch.slot];
    const ScriptEntry& from = script.entries[patch.entry];
    patch.value = -1;
    if (from.returned_ns.load(std::memory_order_acquire) != 0 && from.request.result >= 0) {
      patch.value = from.request.result;
      if (patch.index >= 0) {
        int32_t number = -1;
        const size_t at = from.buffer + static_cast<size_t>(patch.index) * sizeof number;
        std::memcpy(&number, script.buffer.data() + at, sizeof number);
        patch.value = number;
      }
    }
    entry.request.args[patch.arg] = patch.value;
  }
}

}  // namespace

int64_t CarryOutScript(Mailboxes& memory, int slot, PerformCall perform) {
  ScriptMemory& script = memory.scripts[slot];
  int next = script.done.load();
  if (next == 0) {
    RunOn(script.cpu);
    memory.ready.fetch_add(1);
    while (memory.go.load(std::memory_order_acquire) == 0) RawSyscall(SYS_sched_yield);
  }
  for (; next < script.count; ++next) {
    ScriptEntry& entry = script.entries[next];
    Pause(entry);
    if (memory.stop.load(std::memory_order_relaxed) != 0) break;
    Patch(memory, entry);
    // Before the call: whoever finds this task dead knows that it may have been made.
    entry.called_ns.store(Monotonic(), std::memory_order_release);
    char* const buffer = script.buffer.data() + entry.buffer;
    entry.request.result = call_shim == nullptr ? perform(entry.request, buffer)
                                                : call_shim(entry.request, buffer, perform);
    entry.returned_ns.store(Monotonic(), std::memory_order_release);
    script.done.store(next + 1, std::memory_order_release);
  }
  return 0;
}

void FinishExec(ScriptMemory& script) {
  const int done = script.done.load();
  ScriptEntry& entry = script.entries[done];
  entry.request.result = 0;
  entry.returned_ns.store(Monotonic(), std::memory_order_release);
  script.done.store(done + 1, std::memory_order_release);
}

}  // namespace ipcspec
