export interface DataAwsThingConfig {
}
