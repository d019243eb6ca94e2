// SPDX-License-Identifier: Apache-2.0
//
// The computation primitives as a contract's author would write them: Solidity's
// own checked and unchecked arithmetic, OpenZeppelin's Math, Solady's fixed point.
// evm.mjs makes one contract of each type T: of the sections that its kind has,
// with T, N (its width in bits) and UN (the unsigned type of this width) replaced,
// and functions for wrap and casts added.  A safe operation
// reverts where it fails; no other may.
pragma solidity ^0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {SafeCast} from "@openzeppelin/contracts/utils/math/SafeCast.sol";
import {FixedPointMathLib as Solady} from "solady/src/utils/FixedPointMathLib.sol";

contract Primitives_T {
    // run(selector, words of one call, words it returns, the calls' words): a word
    // that is 1, or 0 where the call reverted, and the words returned, call by call.
    function run(bytes4 selector, uint256 nIn, uint256 nOut, uint256[] calldata words) external view {
        assembly {
            let calls := div(words.length, nIn)
            let from := mload(0x40)
            let to := add(from, add(4, mul(32, nIn)))
            let end := to
            mstore(from, selector)
            for { let i := 0 } lt(i, calls) { i := add(i, 1) } {
                calldatacopy(add(from, 4), add(words.offset, mul(i, mul(32, nIn))), mul(32, nIn))
                let ok := staticcall(gas(), address(), from, add(4, mul(32, nIn)), add(end, 32), mul(32, nOut))
                mstore(end, ok)
                end := add(end, mul(32, add(1, nOut)))
            }
            return(to, sub(end, to))
        }
    }

// ---- integer
    function add(T a, T b) external pure returns (T) { unchecked { return a + b; } }
    function sub(T a, T b) external pure returns (T) { unchecked { return a - b; } }
    function mul(T a, T b) external pure returns (T) { unchecked { return a * b; } }
    function div(T a, T b) external pure returns (T) {
        unchecked { return b == 0 ? type(T).max : a / b; }
    }
    function mod(T a, T b) external pure returns (T) { return b == 0 ? T(0) : a % b; }
    function neg(T a) external pure returns (T) { unchecked { return 0 - a; } }
    function min(T a, T b) external pure returns (T) { return a < b ? a : b; }
    function max(T a, T b) external pure returns (T) { return a > b ? a : b; }
    function exp(T a, uint256 e) external pure returns (T) { unchecked { return a ** e; } }
    function satAdd(T a, T b) external view returns (T) {
        try this.safeAdd(a, b) returns (T c) { return c; } catch { return bound(b < 0); }
    }
    function satSub(T a, T b) external view returns (T) {
        try this.safeSub(a, b) returns (T c) { return c; } catch { return bound(a < b); }
    }
    function satMul(T a, T b) external view returns (T) {
        try this.safeMul(a, b) returns (T c) { return c; } catch { return bound((a < 0) != (b < 0)); }
    }
    function bound(bool low) private pure returns (T) { return low ? type(T).min : type(T).max; }
    function sum(T[] calldata a) external pure returns (T s) {
        unchecked { for (uint256 i; i < a.length; i++) s += a[i]; }
    }
    function safeAdd(T a, T b) external pure returns (T) { return a + b; }
    function safeSub(T a, T b) external pure returns (T) { return a - b; }
    function safeMul(T a, T b) external pure returns (T) { return a * b; }
    function safeDiv(T a, T b) external pure returns (T) { return a / b; }
    function safeMod(T a, T b) external pure returns (T) { return a % b; }
    function safeNeg(T a) external pure returns (T) { return 0 - a; }
    function safeExp(T a, uint256 e) external pure returns (T) { return a ** e; }
    function lt(T a, T b) external pure returns (bool) { return a < b; }
    function le(T a, T b) external pure returns (bool) { return a <= b; }
    function gt(T a, T b) external pure returns (bool) { return a > b; }
    function ge(T a, T b) external pure returns (bool) { return a >= b; }

// ---- signed
    function abs(T a) external pure returns (T) { unchecked { return a < 0 ? -a : a; } }

// ---- unsigned
    function sqrt(T a) external pure returns (T) { return T(Math.sqrt(a)); }
    function cbrt(T a) external pure returns (T) { return T(Solady.cbrt(a)); }
    function log2(T a) external pure returns (T) { return T(Math.log2(a)); }
    function log10(T a) external pure returns (T) { return T(Math.log10(a)); }
    function log256(T a) external pure returns (T) { return T(Math.log256(a)); }
    function avg(T a, T b) external pure returns (T) { return T(Math.average(a, b)); }
    function mulDiv(T a, T b, T d) external view returns (T) {
        try this.safeMulDiv(a, b, d) returns (T q) { return q; } catch { return type(T).max; }
    }
    function safeMulDiv(T a, T b, T d) external pure returns (T) {
        uint256 q = Math.mulDiv(a, b, d);
        require(q <= type(T).max);
        return T(q);
    }
    function addMod(T a, T b, T n) external pure returns (T r) { assembly { r := addmod(a, b, n) } }
    function mulMod(T a, T b, T n) external pure returns (T r) { assembly { r := mulmod(a, b, n) } }

    function moved(T from, T to, T amount) private pure returns (bool, T, T) {
        if (amount > from || amount > type(T).max - to) return (false, from, to);
        return (true, from - amount, to + amount);
    }
    function transfer(T from, T to, T amount) external pure returns (bool, T, T) {
        return moved(from, to, amount);
    }
    function transferCapped(T from, T to, T amount) external pure returns (T, T, T) {
        (bool ok, T newFrom, T newTo) = moved(from, to, amount);
        return (ok ? amount : T(0), newFrom, newTo);
    }
    // What they do with sameAccount=1: one account, read once and written twice.
    function transferSame(T from, T to, T amount) external pure returns (bool, T, T) {
        return (amount <= from, from, to);
    }
    function transferCappedSame(T from, T to, T amount) external pure returns (T, T, T) {
        return (amount <= from ? amount : T(0), from, to);
    }
    function mint(T to, T amount, T supply) external pure returns (bool, T, T) {
        unchecked {
            T newTo = to + amount;
            T newSupply = supply + amount;
            return newTo < to || newSupply < supply ? (false, to, supply) : (true, newTo, newSupply);
        }
    }
    function burn(T from, T amount, T supply) external pure returns (bool, T, T) {
        return amount > from || amount > supply ? (false, from, supply) : (true, from - amount, supply - amount);
    }
    // Uniswap v2's getAmountOut, its constants 997 and 1000 as arguments.  Reverts where
    // amountIn (F - f) or the denominator exceeds 256 bits: evm.mjs keeps below.
    function amountOut(uint256 amountIn, uint256 reserveIn, uint256 reserveOut, uint256 f, uint256 F)
        private pure returns (uint256)
    {
        uint256 withFee = amountIn * (F - f);
        return Math.mulDiv(withFee, reserveOut, reserveIn * F + withFee);
    }
    function swap(T[6] calldata v, uint256 f, uint256 F) external pure returns (bool, T[5] memory) {
        unchecked {
            T out;
            if (v[4] > 0 && v[4] <= v[0] && v[2] > 0 && v[3] > 0)
                out = T(amountOut(v[4], v[2], v[3], f, F));
            if (out == 0 || out >= v[3] || out < v[5] ||
                v[2] + v[4] < v[2] || v[1] + out < v[1])
                return (false, [T(0), v[0], v[1], v[2], v[3]]);
            return (true, [out, v[0] - v[4], v[1] + out, v[2] + v[4], v[3] - out]);
        }
    }

// ---- uint256
    function mulWad(T a, T b) external pure returns (T) { return Solady.mulWad(a, b); }
    function divWad(T a, T b) external pure returns (T) { return Solady.divWad(a, b); }
    function sqrtWad(T a) external pure returns (T) { return Solady.sqrtWad(a); }

// ---- int256
    function expWad(T a) external pure returns (T) { return Solady.expWad(a); }
    function lnWad(T a) external pure returns (T) { return Solady.lnWad(a); }
    function powWad(T a, T b) external pure returns (T) { return Solady.powWad(a, b); }

// ---- any
    function eq(T a, T b) external pure returns (bool) { return a == b; }
    function ne(T a, T b) external pure returns (bool) { return a != b; }
    function select(bool c, T a, T b) external pure returns (T) { return c ? a : b; }
    function isIn(T[] calldata a) external pure returns (bool) {
        for (uint256 i = 1; i < a.length; i++) if (a[i] == a[0]) return true;
        return false;
    }

// ---- bool
    function and(T a, T b) external pure returns (T) { return a && b; }
    function or(T a, T b) external pure returns (T) { return a || b; }
    function xor(T a, T b) external pure returns (T) { return a != b; }
    function not(T a) external pure returns (T) { return !a; }

// ---- bits
    function and(T a, T b) external pure returns (T) { return a & b; }
    function or(T a, T b) external pure returns (T) { return a | b; }
    function xor(T a, T b) external pure returns (T) { return a ^ b; }
    function not(T a) external pure returns (T) { return ~a; }
    function shl(T a, uint256 s) external pure returns (T) { return a << s; }
    function shr(T a, uint256 s) external pure returns (T) { return a >> s; }
    function rotl(T a, uint256 s) external pure returns (T) { return rotated(a, s % N); }
    function rotr(T a, uint256 s) external pure returns (T) { return rotated(a, N - s % N); }
    function rotated(T a, uint256 s) private pure returns (T) {
        return T((UN(a) << s) | (UN(a) >> (N - s)));
    }
// ---- end
}
