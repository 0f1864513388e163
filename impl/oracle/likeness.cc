#include "impl/oracle/likeness.h"

#include <set>
#include <type_traits>

namespace ipcspec {
namespace {

template <class C, class... Types>
constexpr bool kIsOneOf = (std::is_same_v<C, Types> || ...);

void ForgetUses(World& world) {
  const Numbered<Task> tasks = *world.tasks;
  for (const auto& [number, task] : tasks) {
    Signals& signals = world.MutableTask(number).signals;
    signals.handled_last = 0;
    signals.handled_origin = {};
  }
  const Numbered<IpcNamespace> namespaces = *world.namespaces;
  for (const auto& [number, ipc] : namespaces) {
    IpcNamespace& objects = world.namespaces.Mutable().Mutable(number);
    objects.sems.Mutable().ForgetUses();
    objects.msgs.Mutable().ForgetUses();
    objects.shms.Mutable().ForgetUses();
  }
}

// How often memory was changed matters to private mappings of it alone (mmap(2)).
void ForgetChanges(World& world) {
  std::set<int> needed;
  for (const auto& [number, space] : *world.spaces) {
    for (const Mapping& mapping : space->all()) {
      if (!mapping.shared) needed.insert(mapping.object);
    }
  }
  const Numbered<MemoryObject> objects = *world.memory;
  for (const auto& [number, object] : objects) {
    if (!needed.contains(number)) world.memory.Mutable().Mutable(number).changes = 0;
  }
}

}  // namespace

bool TellsUses(const Call& call) {
  return std::visit(
      []<class C>(const C&) {
        return kIsOneOf<C, MsgStat, MsgStatIndex, SemStat, SemStatIndex, SemGetPid, ShmStat,
                        ShmStatIndex, ListIpc, SignalInfo>;
      },
      static_cast<const CallVariant&>(call));
}

void Forget(World& world, bool uses_matter) {
  if (!uses_matter) ForgetUses(world);
  ForgetChanges(world);
}

}  // namespace ipcspec
