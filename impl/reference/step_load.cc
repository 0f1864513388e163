// Loads and stores, for the time being.
#include <sys/mman.h>

#include <csignal>

#include "impl/reference/machine.h"

namespace ipcspec {

Result Step(Machine& m, const Load& call) {
  const int64_t at = call.address.value + call.offset;
  Outcome outcome = Returns(0);
  for (int64_t i = 0; i < call.size; ++i) {
    const Mapping* map = m.world.SpaceOf(m.task).Find(at + i);
    if (map == nullptr) return Done(SIGSEGV);
    outcome.data += m.world.memory->Find(map->object)->Read(map->offset + at + i - map->start, 1);
  }
  return Done(outcome);
}

Result Step(Machine& m, const Store& call) {
  const int64_t at = call.address.value + call.offset;
  for (size_t i = 0; i < call.data.text.size(); ++i) {
    const Mapping* map = m.world.SpaceOf(m.task).Find(at + i);
    if (map == nullptr || (map->prot & PROT_WRITE) == 0) return Done(SIGSEGV);
    m.world.memory.Mutable().Mutable(map->object).Write(map->offset + at + i - map->start,
                                                        call.data.text.substr(i, 1));
  }
  return Done(0);
}

}  // namespace ipcspec
