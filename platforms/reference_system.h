// The reference as a system: what it usually allows is what happens.
//
// Here the clauses and the generators are tried without a kernel, and every run repeats exactly:
// time is a counter, tasks go on in the order of their names. What no document decides is decided
// as Linux usually does. In a race the order and the decisions are random, and repeat for a seed.
#ifndef IPCSPEC_PLATFORMS_REFERENCE_SYSTEM_H_
#define IPCSPEC_PLATFORMS_REFERENCE_SYSTEM_H_

#include <memory>
#include <vector>

#include "impl/reference/world.h"
#include "platforms/system.h"

namespace ipcspec {

class ReferenceSystem : public System {
 public:
  explicit ReferenceSystem(const Dialect& dialect) : dialect_(dialect), world_(&dialect_) {}
  ReferenceSystem(const ReferenceSystem&) = delete;
  ReferenceSystem& operator=(const ReferenceSystem&) = delete;

  absl::Status Reset() override;
  absl::Status Submit(int task, int label, std::shared_ptr<const Call> call,
                      std::vector<Event>& events) override;
  absl::Status Settle(std::vector<Event>& events) override;
  absl::Status AwaitReturn(int task, absl::Duration deadline, std::vector<Event>& events) override;
  // Who goes on is drawn from race.seed; what no document decides, too.
  absl::Status Run(const Race& race, std::vector<Event>& events) override;
  absl::Status Patience(std::vector<Event>&) override { return absl::OkStatus(); }
  bool Idle(int task) const override;
  bool Alive(int task) const override;
  const Dialect& dialect() const override { return dialect_; }

  const World& world() const { return world_; }

 private:
  // One thing that can happen now; false when all is quiet.
  bool Happen(std::vector<Event>& events);
  bool DeliverAll(int task, std::vector<Event>& events);
  void Emit(std::vector<Event>& events, Event event);
  void EmitExit(int task, std::vector<Event>& events);

  Dialect dialect_;
  World world_;
  int64_t now_ = 0;
};

}  // namespace ipcspec

#endif  // IPCSPEC_PLATFORMS_REFERENCE_SYSTEM_H_
