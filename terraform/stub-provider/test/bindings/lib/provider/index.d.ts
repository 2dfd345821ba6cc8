export interface TestProviderConfig {
    readonly region?: string;
    readonly alias?: string;
}
