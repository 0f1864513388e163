#include "impl/call/call.h"

namespace ipcspec {

Call::Call() = default;
Call::Call(const Call&) = default;
Call::Call(Call&&) noexcept = default;
Call& Call::operator=(const Call&) = default;
Call& Call::operator=(Call&&) noexcept = default;
Call::~Call() = default;

bool Call::operator==(const Call& other) const {
  return static_cast<const CallVariant&>(*this) == static_cast<const CallVariant&>(other);
}

}  // namespace ipcspec
