/**
 * As much of `bun:test` as a small project uses, for who has no package with Bun's own types.
 * Beside those it does no harm: declarations of one module add up.
 */
export const TEST_TYPES = `declare module "bun:test" {
	type Body = () => void | Promise<void>;
	interface Matchers {
		readonly not: Matchers;
		readonly resolves: Matchers;
		readonly rejects: Matchers;
		toBe(expected: unknown): void;
		toEqual(expected: unknown): void;
		toStrictEqual(expected: unknown): void;
		toMatchObject(expected: object): void;
		toBeDefined(): void;
		toBeUndefined(): void;
		toBeNull(): void;
		toBeTruthy(): void;
		toBeFalsy(): void;
		toBeInstanceOf(expected: unknown): void;
		toBeGreaterThan(expected: number): void;
		toBeLessThan(expected: number): void;
		toBeCloseTo(expected: number, digits?: number): void;
		toContain(expected: unknown): void;
		toHaveLength(expected: number): void;
		toMatch(expected: string | RegExp): void;
		toThrow(expected?: string | RegExp | Error): void;
	}
	export function test(title: string, body: Body, timeoutMs?: number): void;
	export function describe(title: string, body: () => void): void;
	export function beforeAll(body: Body): void;
	export function beforeEach(body: Body): void;
	export function afterEach(body: Body): void;
	export function afterAll(body: Body): void;
	export function expect(actual: unknown): Matchers;
}
`;
